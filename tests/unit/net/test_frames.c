/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/memory.h"
#include "base/random.h"
#include "net/frames_internal.h"
#include "unit.h"

struct stream {
	uint8_t *bytes;
	size_t len;
	size_t capacity;
};

static void add_message(struct stream *stream, size_t len, uint8_t fill)
{
	memory_reserve((void **)&stream->bytes, &stream->capacity, stream->len + 2 + len, 1);
	store_u16(stream->bytes + stream->len, (uint16_t)len);
	memset(stream->bytes + stream->len + 2, fill, len);
	stream->len += 2 + len;
}

static void expect_message(const uint8_t *message, size_t len, size_t expected_len, uint8_t fill)
{
	assert_int_equal(len, expected_len);
	assert_int_equal(message[0], fill);
	assert_int_equal(message[len - 1], fill);
}

/* However the stream is cut into pieces, and however often the reader stops in between, the messages are the same. */
TEST(messages_are_the_same_however_the_stream_is_cut)
{
	struct random_seeded random;
	random_seeded_init(&random, unit_seed());
	for (size_t round = 0; round < 200; round++) {
		struct stream stream = {0};
		size_t lengths[20];
		for (size_t i = 0; i < 20; i++) {
			lengths[i] = random_below(&random.source, 10) == 0 ? 65535 - random_below(&random.source, 3)
			                                                   : 12 + random_below(&random.source, 300);
			add_message(&stream, lengths[i], (uint8_t)i);
		}
		struct net_frames frames = {0};
		size_t seen = 0;
		size_t at = 0;
		while (at < stream.len) {
			size_t piece = 1 + random_below(&random.source, round % 2 == 0 ? 9 : 70000);
			piece = piece < stream.len - at ? piece : stream.len - at;
			struct reader fresh = reader_of(stream.bytes + at, piece);
			at += piece;
			const uint8_t *message = NULL;
			size_t len = 0;
			bool stops = false;
			while (!stops && net_frames_next(&frames, &fresh, &message, &len) == NET_FRAME_MESSAGE) {
				expect_message(message, len, lengths[seen], (uint8_t)seen);
				seen++;
				stops = random_below(&random.source, 4) == 0;
			}
			net_frames_keep(&frames, &fresh);
		}
		struct reader nothing = reader_of(NULL, 0);
		while (net_frames_has_message(&frames)) {
			const uint8_t *message = NULL;
			size_t len = 0;
			assert_int_equal(net_frames_next(&frames, &nothing, &message, &len), NET_FRAME_MESSAGE);
			expect_message(message, len, lengths[seen], (uint8_t)seen);
			seen++;
		}
		assert_int_equal(seen, 20);
		assert_int_equal(net_frames_kept(&frames), 0);
		net_frames_deinit(&frames);
		free(stream.bytes);
	}
}

TEST(message_that_came_whole_is_given_where_it_lies)
{
	struct stream stream = {0};
	add_message(&stream, 12, 1);
	add_message(&stream, 20, 2);
	struct net_frames frames = {0};
	struct reader fresh = reader_of(stream.bytes, stream.len);
	const uint8_t *message;
	size_t len;
	assert_int_equal(net_frames_next(&frames, &fresh, &message, &len), NET_FRAME_MESSAGE);
	assert_ptr_equal(message, stream.bytes + 2);
	assert_int_equal(net_frames_next(&frames, &fresh, &message, &len), NET_FRAME_MESSAGE);
	assert_ptr_equal(message, stream.bytes + 2 + 12 + 2);
	assert_int_equal(net_frames_next(&frames, &fresh, &message, &len), NET_FRAME_MORE);
	assert_int_equal(frames.capacity, 0);
	free(stream.bytes);
}

TEST(length_under_a_header_is_bad_in_one_piece_and_in_two)
{
	for (uint8_t len = 0; len < NET_MESSAGE_MIN; len++) {
		const uint8_t bytes[] = {0, len, 1, 2, 3};
		struct net_frames frames = {0};
		struct reader fresh = reader_of(bytes, sizeof bytes);
		const uint8_t *message;
		size_t message_len;
		assert_int_equal(net_frames_next(&frames, &fresh, &message, &message_len), NET_FRAME_BAD);
		net_frames_deinit(&frames);

		fresh = reader_of(bytes, 1);
		assert_int_equal(net_frames_next(&frames, &fresh, &message, &message_len), NET_FRAME_MORE);
		fresh = reader_of(bytes + 1, 1);
		assert_int_equal(net_frames_next(&frames, &fresh, &message, &message_len), NET_FRAME_BAD);
		assert_true(net_frames_has_message(&frames));
		net_frames_deinit(&frames);
	}
}

TEST(two_octets_do_not_make_us_hold_64_kibibytes)
{
	const uint8_t bytes[] = {0xff, 0xff, 1};
	struct net_frames frames = {0};
	struct reader fresh = reader_of(bytes, sizeof bytes);
	const uint8_t *message;
	size_t len;
	assert_int_equal(net_frames_next(&frames, &fresh, &message, &len), NET_FRAME_MORE);
	assert_true(frames.capacity <= 64);
	net_frames_deinit(&frames);
}
