/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plays the other XDP program on an interface: one that passes everything, attached the old way
 * (without a link), so that it stays until it is taken off.
 *
 * foreign-xdp INTERFACE native|generic NAME
 * foreign-xdp INTERFACE off
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

static int load(const char *name)
{
	struct bpf_insn pass[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return bpf_prog_load(BPF_PROG_TYPE_XDP, name, "GPL", pass, sizeof(pass) / sizeof(pass[0]),
			     NULL);
}

int main(int argc, char **argv)
{
	__u32 flags = XDP_FLAGS_UPDATE_IF_NOEXIST;
	int ifindex;
	int program;
	int result;

	if (argc < 3) {
		fprintf(stderr,
			"usage: foreign-xdp INTERFACE native|generic NAME | INTERFACE off\n");
		return 2;
	}
	ifindex = (int)if_nametoindex(argv[1]);
	if (!strcmp(argv[2], "off")) {
		(void)bpf_xdp_detach(ifindex, XDP_FLAGS_DRV_MODE, NULL);
		(void)bpf_xdp_detach(ifindex, XDP_FLAGS_SKB_MODE, NULL);
		return 0;
	}
	flags |= strcmp(argv[2], "native") ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
	program = load(argc > 3 ? argv[3] : "foreign");
	result = program < 0 ? program : bpf_xdp_attach(ifindex, program, flags, NULL);
	if (result) {
		fprintf(stderr, "foreign-xdp: %s: %s\n", argv[1], strerror(-result));
		return 1;
	}
	return 0;
}
