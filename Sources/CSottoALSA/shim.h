// ALSA, and what of it Swift cannot say.
#include <alsa/asoundlib.h>

// Swift can make no function with variable arguments, which handlers of messages are.
static inline void sotto_alsa_ignore(const char *file, int line, const char *function, int error, const char *format, ...) {
  (void)file, (void)line, (void)function, (void)error, (void)format;
}

// What fails is told by return codes; ALSA would write to standard error besides, in the middle of the user's screen.
static inline void sotto_alsa_be_quiet(void) { snd_lib_error_set_handler(sotto_alsa_ignore); }
