long bytes(struct xdp_md *ctx) { return ctx->data_end; }
