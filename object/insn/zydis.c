/* SPDX-License-Identifier: MIT */
/* The decoders of Zydis. */
#include "insn.h"
#include "zydis.h"

#include <stdio.h>

const ZydisDecoder *rp_zydis_decoder(bool full)
{
	static _Thread_local ZydisDecoder decoders[2];
	static _Thread_local bool ready;

	if (!ready) {
		for (int i = 0; i < 2; i++)
			ZydisDecoderInit(&decoders[i],
					 ZYDIS_MACHINE_MODE_LONG_64,
					 ZYDIS_STACK_WIDTH_64);
		ZydisDecoderEnableMode(&decoders[0], ZYDIS_DECODER_MODE_MINIMAL,
				       ZYAN_TRUE);
		ready = true;
	}
	return &decoders[full];
}

const char *rp_insn_decoder_version(void)
{
	static char text[32];
	uint64_t version = ZydisGetVersion();

	snprintf(text, sizeof(text), "%u.%u.%u",
		 (unsigned int)ZYDIS_VERSION_MAJOR(version),
		 (unsigned int)ZYDIS_VERSION_MINOR(version),
		 (unsigned int)ZYDIS_VERSION_PATCH(version));
	return text;
}
