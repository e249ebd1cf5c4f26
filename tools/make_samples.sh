#!/bin/bash
# Makes the recordings and transcripts in samples/ again.
#
#   tools/make_samples.sh LJSPEECH_DIR
#
# LJSPEECH_DIR holds clips of LJ Speech 1.1 as NAME.flac (16 kHz) or NAME.wav. Needs sox, ffmpeg, espeak-ng, flite
# (apt install sox ffmpeg espeak-ng flite). samples/README.md tells what each recording is for.
set -euo pipefail

[[ $# -eq 1 && -d ${1:-} ]] || { echo "usage: $0 LJSPEECH_DIR" >&2; exit 2; }
clips=$1
out=$(cd "$(dirname "$0")/.." && pwd)/samples
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"

# clip NAME: the path of an LJ Speech clip.
clip() {
  local path
  for path in "$clips/$1.flac" "$clips/$1.wav"; do [[ -f $path ]] && { echo "$path"; return; }; done
  echo "$0: no clip $1 in $clips" >&2
  return 1
}

# flite_say VOICE FILE TEXT and espeak_say VOICE FILE TEXT: one sentence as a WAV file.
flite_say() { flite -voice "$1" -t "$3" -o "$2"; }
espeak_say() { espeak-ng -v "$1" -s 150 -w "$2" "$3"; }

# encode IN OUT FFMPEG_OPTIONS...: without the encoder's name and time, so that the bytes stay the same.
encode() {
  local from=$1 to=$2
  shift 2
  ffmpeg -v error -y -i "$from" -map_metadata -1 -fflags +bitexact -flags:a +bitexact "$@" "$to"
}

# transcript FILE LINE...
transcript() {
  local file=$1
  shift
  printf '%s\n' "$@" > "$out/$file"
}

# Real speech: LJ Speech (public domain).
sox -R "$(clip LJ001-0147)" -b 16 "$out/page.flac"
transcript page.txt \
  "The position of the page on the paper should be considered if the book is to have a satisfactory look."

sox -R "$(clip LJ001-0174)" -b 16 -c 2 "$out/scheme.wav" rate 44100
transcript scheme.txt "should be a part of the whole scheme of the book."

sox -R "$(clip LJ003-0029)" "$work/wards.wav" rate 22050
encode "$work/wards.wav" "$out/wards.mp3" -c:a libmp3lame -b:a 48k
transcript wards.txt \
  "Under the steward there were captains of wards, chosen in the same way, and performing analogous duties."

# A telephone: 8 kHz, mu-law, the band from 300 to 3400 Hz.
text="Hello, this is the library. Your book has arrived, and you can pick it up on Tuesday morning."
flite_say slt "$work/phone.wav" "$text"
sox -R "$work/phone.wav" -r 8000 -e mu-law "$out/telephone.wav" sinc 300-3400 pad 0.3 0.3
transcript telephone.txt "$text"

# A memo: Opus, 48 kHz.
text="The meeting is on Friday at half past nine. Please bring a notebook and a pencil."
espeak_say en-us "$work/memo.wav" "$text"
sox -R "$work/memo.wav" -r 48000 "$work/memo48.wav" pad 0.3 0.3
encode "$work/memo48.wav" "$out/memo.opus" -c:a libopus -b:a 32k
transcript memo.txt "$text"

# Two speakers who take turns, one on each channel: Ogg Vorbis, 32 kHz, stereo.
left=("Good morning. How was your journey from the coast?" "Then let us begin with the first question.")
right=("It was long, but the train was quiet and warm.")
flite_say slt "$work/left0.wav" "${left[0]}"
flite_say rms "$work/right0.wav" "${right[0]}"
flite_say slt "$work/left1.wav" "${left[1]}"
turn0=$(soxi -D "$work/left0.wav")
turn1=$(soxi -D "$work/right0.wav")
sox -R "$work/left0.wav" "$work/l0.wav" pad 0.4 0.5
sox -R "$work/left1.wav" "$work/l1.wav" pad "$turn1" 0.5
sox -R "$work/l0.wav" "$work/l1.wav" "$work/left.wav"
sox -R "$work/right0.wav" "$work/right.wav" pad "$(awk "BEGIN { print $turn0 + 0.7 }")" 0
sox -R -M "$work/left.wav" "$work/right.wav" -r 32000 "$work/turns.wav"
encode "$work/turns.wav" "$out/turns.ogg" -c:a libvorbis -q:a 2
transcript turns.txt "${left[0]}" "${right[0]}" "${left[1]}"
transcript turns.left.txt "${left[@]}"
transcript turns.right.txt "${right[@]}"

# Longer than any window of a model, with pauses of one to four seconds and a little noise throughout.
sentences=(
  "The museum opens at ten in the morning and closes at six in the evening."
  "On Sundays the entrance is free for children and for students."
  "The first hall shows tools and coins that farmers found in the fields around the town."
  "In the second hall you can see paintings of ships, harbours and storms."
  "Please do not touch the glass, and do not use a flash when you take pictures."
  "There is a small garden behind the building, where you can rest and drink a cup of tea."
  "The shop near the exit sells books, maps and cards."
  "We wish you a pleasant visit."
)
pauses=(1 2 1.5 4 1 3 2 1)
parts=()
for i in "${!sentences[@]}"; do
  flite_say rms "$work/s$i.wav" "${sentences[$i]}"
  sox -R "$work/s$i.wav" "$work/p$i.wav" pad 0 "${pauses[$i]}"
  parts+=("$work/p$i.wav")
done
sox -R "${parts[@]}" "$work/museum.wav"
sox -R -n -r 16000 -c 1 "$work/noise.wav" synth "$(soxi -D "$work/museum.wav")" pinknoise vol 0.002
sox -R -m -v 1 "$work/museum.wav" -v 1 "$work/noise.wav" -b 16 "$out/museum.flac"
transcript museum.txt "${sentences[@]}"

du -bc "$out"/*.{wav,flac,mp3,ogg,opus} | sort -n
