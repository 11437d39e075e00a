/* SPDX-License-Identifier: MIT */
/* A stream of framed messages, cut into pieces as its first octets say: however it is cut, the messages are those that a
 * plain walk over the whole stream finds. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/ensure.h"
#include "net/frames_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Where the plain walk stands in the whole stream. */
struct walk {
	struct reader stream;
};

/* What arrives must be the next message of the plain walk. */
static void expect_next(struct walk *walk, const uint8_t *message, size_t len)
{
	uint16_t expected_len = read_u16(&walk->stream);
	struct reader body = read_part(&walk->stream, expected_len);
	ensure(!body.failed && expected_len == len && memcmp(body.start, message, len) == 0);
}

/* False: a message under a header. */
static bool feed(struct net_frames *frames, struct reader *fresh, struct walk *walk, size_t stops_after)
{
	enum net_frame frame = NET_FRAME_MESSAGE;
	for (size_t i = 0; i < stops_after && frame == NET_FRAME_MESSAGE; i++) {
		const uint8_t *message = NULL;
		size_t len = 0;
		frame = net_frames_next(frames, fresh, &message, &len);
		if (frame == NET_FRAME_MESSAGE) {
			expect_next(walk, message, len);
		}
	}
	if (frame != NET_FRAME_BAD) {
		net_frames_keep(frames, fresh);
	}
	return frame != NET_FRAME_BAD;
}

/* Nothing whole may be left over. */
static void expect_no_more(struct walk *walk)
{
	uint16_t len = read_u16(&walk->stream);
	ensure(walk->stream.failed || len < NET_MESSAGE_MIN || reader_left(&walk->stream) < len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader input = reader_of(data, size);
	size_t piece_max = 1 + (size_t)read_u16(&input);
	size_t stops_after = 1 + (size_t)read_u8(&input);
	if (input.failed) {
		return 0;
	}
	struct walk walk = {.stream = reader_of(input.at, reader_left(&input))};
	struct net_frames frames = {0};
	bool good = true;
	while (good && reader_left(&input) > 0) {
		size_t left = reader_left(&input);
		struct reader fresh = read_part(&input, piece_max < left ? piece_max : left);
		good = feed(&frames, &fresh, &walk, stops_after);
	}
	struct reader nothing = reader_of(data, 0);
	good = good && feed(&frames, &nothing, &walk, SIZE_MAX);
	expect_no_more(&walk);
	net_frames_deinit(&frames);
	return 0;
}
