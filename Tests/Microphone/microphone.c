// A microphone for tests, without a sound card: a capture device of ALSA, as a plugin, with a clock of its own.
//
// It plays a file of 16-bit samples at the pace of time: what it delivers depends on the time since it was first opened and on
// nothing else, so that audio that was lost is missing where it was lost. A reader that is late gets a real overrun, for
// it keeps no more than the buffer that was agreed on. What stands in the file FAULTS happens to it: "busy", "denied" and "gone"
// when it is opened, "gone" and "suspend" while it runs. With `pace` N its clock runs N times as fast; with `loop` 1 the file
// begins again and again, where else there is silence after it.
//
//   pcm_type.sotto_test { lib "PATH/microphone.so" }
//   pcm.mic { type sotto_test  file "speech.raw"  faults "faults"  rate 16000  channels 1  pace 1  loop 0 }

#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>
#include <alsa/pcm_ioplug.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

typedef struct {
  snd_pcm_ioplug_t io;
  int16_t *samples;
  long frames;
  unsigned rate, channels;
  long pace, loop;
  char faults[1024];
  // Frames since the first opening at which it was started, and frames that were read since.
  long start, taken;
  // What was told last.
  long pointer;
} microphone;

static struct timespec first_opening;

// Frames since the device was first opened by this process.
static long now(const microphone *mic) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  double seconds = (double)(time.tv_sec - first_opening.tv_sec) + 1e-9 * (double)(time.tv_nsec - first_opening.tv_nsec);
  return (long)(seconds * (double)mic->pace * mic->rate);
}

static int has_fault(const microphone *mic, const char *name) {
  char text[32] = "";
  FILE *file = fopen(mic->faults, "r");
  if (!file) return 0;
  size_t count = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  return count > 0 && strncmp(text, name, strlen(name)) == 0;
}

static int mic_start(snd_pcm_ioplug_t *io) {
  microphone *mic = io->private_data;
  mic->start = now(mic);
  mic->taken = 0;
  mic->pointer = 0;
  long period = (long)(1e9 * (double)io->period_size / mic->rate / (double)mic->pace);
  struct itimerspec timer = {{0, period}, {0, period}};
  return timerfd_settime(io->poll_fd, 0, &timer, NULL) < 0 ? -errno : 0;
}

static int mic_stop(snd_pcm_ioplug_t *io) {
  struct itimerspec timer = {{0, 0}, {0, 0}};
  timerfd_settime(io->poll_fd, 0, &timer, NULL);
  return 0;
}

static snd_pcm_sframes_t mic_pointer(snd_pcm_ioplug_t *io) {
  microphone *mic = io->private_data;
  if (has_fault(mic, "gone")) {
    snd_pcm_ioplug_set_state(io, SND_PCM_STATE_DISCONNECTED);
    return mic->pointer;
  }
  if (has_fault(mic, "suspend")) {
    unlink(mic->faults);
    snd_pcm_ioplug_set_state(io, SND_PCM_STATE_SUSPENDED);
    return mic->pointer;
  }
  long captured = now(mic) - mic->start;
  // A full buffer reads as an empty one.
  if (captured - mic->taken >= (long)io->buffer_size) return -EPIPE;
  return mic->pointer = captured % (long)io->buffer_size;
}

static snd_pcm_sframes_t mic_transfer(
    snd_pcm_ioplug_t *io, const snd_pcm_channel_area_t *areas, snd_pcm_uframes_t offset, snd_pcm_uframes_t size) {
  microphone *mic = io->private_data;
  for (snd_pcm_uframes_t frame = 0; frame < size; frame++) {
    long position = mic->start + mic->taken + (long)frame;
    if (mic->loop && mic->frames > 0) position %= mic->frames;
    for (unsigned channel = 0; channel < mic->channels; channel++) {
      int16_t sample = position < mic->frames ? mic->samples[position * mic->channels + channel] : 0;
      char *place = (char *)areas[channel].addr + (areas[channel].first + (offset + frame) * areas[channel].step) / 8;
      memcpy(place, &sample, sizeof sample);
    }
  }
  mic->taken += (long)size;
  return (snd_pcm_sframes_t)size;
}

static int mic_revents(snd_pcm_ioplug_t *io, struct pollfd *poll, unsigned count, unsigned short *events) {
  uint64_t expirations;
  if (count > 0 && read(io->poll_fd, &expirations, sizeof expirations) < 0) {}
  *events = count > 0 ? (unsigned short)poll[0].revents : 0;
  // As drivers do, so that nobody waits for more.
  if (io->state == SND_PCM_STATE_SUSPENDED || io->state == SND_PCM_STATE_DISCONNECTED) *events |= POLLERR;
  return 0;
}

static int mic_resume(snd_pcm_ioplug_t *io) {
  (void)io;
  return 0;
}

static int mic_close(snd_pcm_ioplug_t *io) {
  microphone *mic = io->private_data;
  close(io->poll_fd);
  free(mic->samples);
  free(mic);
  return 0;
}

static const snd_pcm_ioplug_callback_t callbacks = {
    .start = mic_start, .stop = mic_stop, .pointer = mic_pointer, .transfer = mic_transfer,
    .poll_revents = mic_revents, .resume = mic_resume, .close = mic_close};

static int load(microphone *mic, const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) return -errno;
  fseek(file, 0, SEEK_END);
  long size = ftell(file);
  rewind(file);
  mic->samples = malloc((size_t)size + 1);
  mic->frames = size / (long)(sizeof(int16_t) * mic->channels);
  size_t count = mic->samples ? fread(mic->samples, 1, (size_t)size, file) : 0;
  fclose(file);
  return count == (size_t)size ? 0 : -EIO;
}

static int constrain(microphone *mic) {
  static const unsigned access = SND_PCM_ACCESS_RW_INTERLEAVED, format = SND_PCM_FORMAT_S16;
  snd_pcm_ioplug_t *io = &mic->io;
  int error = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_ACCESS, 1, &access);
  if (error >= 0) error = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_FORMAT, 1, &format);
  if (error >= 0) error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_CHANNELS, mic->channels, mic->channels);
  if (error >= 0) error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_RATE, mic->rate, mic->rate);
  if (error >= 0) error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIOD_BYTES, 64, 1 << 16);
  if (error >= 0) error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_BUFFER_BYTES, 256, 1 << 20);
  if (error >= 0) error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIODS, 2, 1024);
  return error;
}

static int parse(microphone *mic, snd_config_t *conf, const char **path) {
  snd_config_iterator_t i, next;
  snd_config_for_each(i, next, conf) {
    snd_config_t *entry = snd_config_iterator_entry(i);
    const char *id, *text;
    long number;
    if (snd_config_get_id(entry, &id) < 0) continue;
    if (!strcmp(id, "file")) snd_config_get_string(entry, path);
    if (!strcmp(id, "faults") && snd_config_get_string(entry, &text) == 0)
      snprintf(mic->faults, sizeof mic->faults, "%s", text);
    if (!strcmp(id, "rate") && snd_config_get_integer(entry, &number) == 0) mic->rate = (unsigned)number;
    if (!strcmp(id, "pace") && snd_config_get_integer(entry, &number) == 0 && number > 0) mic->pace = number;
    if (!strcmp(id, "loop") && snd_config_get_integer(entry, &number) == 0) mic->loop = number;
    if (!strcmp(id, "channels") && snd_config_get_integer(entry, &number) == 0) mic->channels = (unsigned)number;
  }
  return *path ? 0 : -EINVAL;
}

SND_PCM_PLUGIN_DEFINE_FUNC(sotto_test) {
  (void)root;
  const char *path = NULL;
  microphone *mic = calloc(1, sizeof *mic);
  if (!mic) return -ENOMEM;
  mic->rate = 16000;
  mic->channels = 1;
  mic->pace = 1;
  int error = parse(mic, conf, &path);
  if (error >= 0 && has_fault(mic, "busy")) error = -EBUSY;
  if (error >= 0 && has_fault(mic, "denied")) error = -EACCES;
  if (error >= 0 && has_fault(mic, "gone")) error = -ENODEV;
  if (error >= 0) error = load(mic, path);
  if (error >= 0) {
    if (first_opening.tv_sec == 0) clock_gettime(CLOCK_MONOTONIC, &first_opening);
    mic->io.version = SND_PCM_IOPLUG_VERSION;
    mic->io.name = "Microphone for tests";
    mic->io.callback = &callbacks;
    mic->io.private_data = mic;
    mic->io.poll_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    mic->io.poll_events = POLLIN;
    error = snd_pcm_ioplug_create(&mic->io, name, stream, mode);
    if (error >= 0 && (error = constrain(mic)) < 0) {
      snd_pcm_ioplug_delete(&mic->io);
      return error;
    }
  }
  if (error < 0) {
    free(mic->samples);
    free(mic);
    return error;
  }
  *pcmp = mic->io.pcm;
  return 0;
}

SND_PCM_PLUGIN_SYMBOL(sotto_test);
