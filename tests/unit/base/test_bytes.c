/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "base/bytes.h"

TEST(reader_sticks_at_the_first_read_that_does_not_fit)
{
	static const uint8_t bytes[] = {1, 2, 3};
	struct reader reader = reader_of(bytes, sizeof bytes);
	assert_int_equal(read_u16(&reader), 0x0102);
	assert_int_equal(read_u16(&reader), 0);
	assert_true(reader.failed);
	assert_int_equal(read_u8(&reader), 0);
	assert_int_equal(reader_offset(&reader), 2);
}

TEST(part_of_a_reader_ends_where_it_was_told)
{
	static const uint8_t bytes[] = {1, 2, 3, 4};
	struct reader reader = reader_of(bytes, sizeof bytes);
	struct reader part = read_part(&reader, 3);
	assert_int_equal(read_u32(&part), 0);
	assert_true(part.failed);
	assert_int_equal(read_u8(&reader), 4);
	assert_false(reader.failed);
	assert_true(read_part(&reader, 1).failed);
}

TEST(reader_of_nothing_is_empty_and_not_failed)
{
	struct reader reader = reader_of(NULL, 0);
	assert_int_equal(reader_left(&reader), 0);
	assert_non_null(read_bytes(&reader, 0));
	assert_false(read_part(&reader, 0).failed);
	assert_int_equal(read_u8(&reader), 0);
	assert_true(reader.failed);
}

TEST(writer_never_writes_past_its_end)
{
	uint8_t bytes[5] = {0, 0, 0, 0, 0xee};
	struct writer writer = writer_of(bytes, 4);
	write_u16(&writer, 0xabcd);
	write_u32(&writer, 1);
	assert_true(writer.failed);
	write_u8(&writer, 7);
	assert_int_equal(writer_len(&writer), 2);
	assert_int_equal(bytes[4], 0xee);
}

TEST(short_copies_and_comparisons_look_at_every_octet_and_no_other)
{
	for (size_t len = 0; len < 70; len++) {
		uint8_t from[72];
		uint8_t to[72];
		memset(to, 0xee, sizeof to);
		for (size_t i = 0; i < sizeof from; i++) {
			from[i] = (uint8_t)(i + 1);
		}
		copy_short(to + 1, from, len);
		assert_memory_equal(to + 1, from, len);
		assert_int_equal(to[0], 0xee);
		assert_int_equal(to[1 + len], 0xee);
		assert_true(equal_short(to + 1, from, len));
		for (size_t i = 0; i < len; i++) {
			to[1 + i] ^= 0x80;
			assert_false(equal_short(to + 1, from, len));
			to[1 + i] ^= 0x80;
		}
	}
}
