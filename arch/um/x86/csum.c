// SPDX-License-Identifier: GPL-2.0
/*
 * The sum that the internet's protocols use, over long data. What comes by a
 * stream socket has no checksum offload, so each byte of it goes through here.
 *
 * A sum of 16-bit words, with what it carries added at its low end, is the same
 * when 64 bits are added at once and folded afterwards.
 */
#include <linux/compiler.h>
#include <linux/string.h>
#include <linux/types.h>
#include <asm/checksum.h>

static __always_inline u64 add(u64 sum, u64 word)
{
	asm("addq %1, %0\n\tadcq $0, %0" : "+r" (sum) : "rm" (word));
	return sum;
}

static __always_inline u64 add_32_bytes(u64 sum, const unsigned char *p)
{
	asm("addq   (%1), %0\n\t"
	    "adcq  8(%1), %0\n\t"
	    "adcq 16(%1), %0\n\t"
	    "adcq 24(%1), %0\n\t"
	    "adcq    $0, %0"
	    : "+r" (sum) : "r" (p), "m" (*(const char (*)[32])p));
	return sum;
}

/**
 * do_csum() - the sum of 16-bit words, the last one filled up with zeros
 * @buff: at any address
 * @len: in bytes; nothing is added when it is not above 0
 *
 * Return: folded to 16 bits, not complemented.
 */
unsigned int do_csum(const unsigned char *buff, int len)
{
	u64 sum = 0, other = 0, word;

	/* Two sums at once: one would wait for its own carry. */
	for (; len >= 64; len -= 64, buff += 64) {
		sum = add_32_bytes(sum, buff);
		other = add_32_bytes(other, buff + 32);
	}
	sum = add(sum, other);
	for (; len >= 8; len -= 8, buff += 8) {
		memcpy(&word, buff, 8);
		sum = add(sum, word);
	}
	if (len > 0) {
		word = 0;
		memcpy(&word, buff, len);
		sum = add(sum, word);
	}
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return sum;
}
