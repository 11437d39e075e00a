/* SPDX-License-Identifier: MIT */
#include "net/frames_internal.h"

#include <stdlib.h>

#include "base/memory.h"

#define LENGTH_SIZE 2

/* Octets of the frame that begins with these, its length included; the size of the length while that is not whole. */
static size_t frame_len(const uint8_t *bytes, size_t len)
{
	return len < LENGTH_SIZE ? LENGTH_SIZE : LENGTH_SIZE + (size_t)load_u16(bytes);
}

static bool frame_is_whole(const uint8_t *bytes, size_t len)
{
	return len >= LENGTH_SIZE && len >= frame_len(bytes, len);
}

static bool frame_is_bad(const uint8_t *bytes, size_t len)
{
	return len >= LENGTH_SIZE && load_u16(bytes) < NET_MESSAGE_MIN;
}

static void append(struct net_frames *frames, struct reader *fresh, size_t len)
{
	if (len == 0) {
		return;
	}
	if (frames->start > 0) {
		memmove(frames->kept, frames->kept + frames->start, net_frames_kept(frames));
		frames->end -= frames->start;
		frames->start = 0;
	}
	memory_reserve((void **)&frames->kept, &frames->capacity, frames->end + len, 1);
	memcpy(frames->kept + frames->end, read_bytes(fresh, len), len);
	frames->end += len;
}

/* Completes the frame of which the beginning is kept, as far as `fresh` goes. */
static void complete_kept(struct net_frames *frames, struct reader *fresh)
{
	for (;;) {
		const uint8_t *bytes = frames->kept + frames->start;
		size_t have = net_frames_kept(frames);
		size_t want = frame_len(bytes, have);
		size_t left = reader_left(fresh);
		if (have >= want || left == 0 || frame_is_bad(bytes, have)) {
			return;
		}
		append(frames, fresh, left < want - have ? left : want - have);
	}
}

static enum net_frame next_kept(struct net_frames *frames, struct reader *fresh, const uint8_t **message, size_t *len)
{
	complete_kept(frames, fresh);
	const uint8_t *bytes = frames->kept + frames->start;
	if (frame_is_bad(bytes, net_frames_kept(frames))) {
		return NET_FRAME_BAD;
	}
	if (!frame_is_whole(bytes, net_frames_kept(frames))) {
		return NET_FRAME_MORE;
	}
	*message = bytes + LENGTH_SIZE;
	*len = load_u16(bytes);
	frames->start += LENGTH_SIZE + *len;
	return NET_FRAME_MESSAGE;
}

static enum net_frame next_fresh(struct net_frames *frames, struct reader *fresh, const uint8_t **message, size_t *len)
{
	size_t left = reader_left(fresh);
	if (frame_is_bad(fresh->at, left)) {
		return NET_FRAME_BAD;
	}
	if (!frame_is_whole(fresh->at, left)) {
		net_frames_keep(frames, fresh);
		return NET_FRAME_MORE;
	}
	*len = load_u16(fresh->at);
	*message = read_bytes(fresh, LENGTH_SIZE + *len) + LENGTH_SIZE;
	return NET_FRAME_MESSAGE;
}

enum net_frame net_frames_next(struct net_frames *frames, struct reader *fresh, const uint8_t **message, size_t *len)
{
	if (net_frames_kept(frames) > 0) {
		return next_kept(frames, fresh, message, len);
	}
	net_frames_deinit(frames);
	return next_fresh(frames, fresh, message, len);
}

void net_frames_keep(struct net_frames *frames, struct reader *fresh)
{
	append(frames, fresh, reader_left(fresh));
}

bool net_frames_has_message(const struct net_frames *frames)
{
	if (net_frames_kept(frames) == 0) {
		return false;
	}
	const uint8_t *bytes = frames->kept + frames->start;
	return frame_is_whole(bytes, net_frames_kept(frames)) || frame_is_bad(bytes, net_frames_kept(frames));
}

void net_frames_deinit(struct net_frames *frames)
{
	free(frames->kept);
	*frames = (struct net_frames){0};
}
