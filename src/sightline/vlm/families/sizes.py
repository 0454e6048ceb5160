"""Sizes of a twin by the names that transformers' configs give them, every one chosen so that they fit together: heads
of 8 make a width of 32, windows of 4 are shorter than what a self-check reads.
"""

WIDTH, INNER, HEADS, SHARED, HEAD, WORDS, LONGEST = 32, 64, 4, 2, 8, 96, 96

_NAMES: dict[int, str] = {
    96: "max_position_embeddings n_positions max_seq_len model_max_length seq_length n_ctx max_target_positions "
    "max_source_positions max_encoder_position_embeddings max_decoder_position_embeddings context_length "
    "max_sequence_length max_seq_length vocab_size original_max_position_embeddings vocab_size_per_layer_input "
    "src_vocab_size tgt_vocab_size encoder_vocab_size decoder_vocab_size pronunciation_vocab_size shape_vocab_size "
    "n_vocab original_vocab_size initial_context_length index_topk indexer_topk",
    64: "intermediate_size ffn_dim d_ff encoder_ffn_dim decoder_ffn_dim d_inner n_inner ffn_hidden_size dim_ff "
    "feed_forward_size moe_intermediate_size shared_expert_intermediate_size shared_intermediate_size mlp_dim "
    "expert_ffn_hidden_size intermediate_size_mlp moe_shared_expert_intermediate_size dense_intermediate_size "
    "mamba_d_ssm expert_intermediate_size block_ff_dim intermediate_dim moe_ffn_dim ple_embed_dim hc_lowrank",
    32: "hidden_size n_embd d_model emb_dim embedding_size word_embed_proj_dim embedding_dim lru_width "
    "cross_attention_hidden_size input_embedding_size output_embedding_size width decoder_hidden_size "
    "pronunciation_embed_dim shape_embed_dim conv_dim block_dim dim hidden_dim attention_hidden_size embed_dim "
    "projection_dim "
    "image_size output_dim out_hidden_size router_hidden_size encoder_hidden_size text_embed_dim project_dim",
    16: "qk_head_dim swa_head_dim num_patches q_lora_rank kv_lora_rank o_lora_rank "
    "hidden_size_per_layer_input laurel_rank "
    "attention_rank gate_low_rank adapter_rank hc_rank",
    8: "patch_size head_dim d_kv d_head attention_head_size dim_head kv_channels v_head_dim qk_nope_head_dim "
    "qk_rope_head_dim global_head_dim swa_v_head_dim index_head_dim attention_head_dim linear_key_head_dim "
    "linear_value_head_dim linear_head_dim mamba_d_state state_size ssm_state_size mamba_d_head mamba_headdim "
    "mamba_head_dim time_step_rank mamba_dt_rank mamba_n_heads mamba_num_heads indexer_head_dim rotary_dim "
    "query_pre_attn_scalar chunk_size mamba_chunk_size pooler_hidden_size d_rel rel_extent",
    4: "num_attention_heads n_head n_heads num_heads encoder_attention_heads decoder_attention_heads "
    "num_encoder_attention_heads num_decoder_attention_heads attention_heads swa_num_attention_heads "
    "linear_num_key_heads linear_num_value_heads linear_num_heads index_n_heads indexer_n_heads num_experts "
    "num_local_experts n_routed_experts moe_num_experts sliding_window window_size attention_window_size "
    "sliding_window_size attention_chunk_size local_attention swa_window_size num_attention_heads_per_layer "
    "num_memory_heads block_size local_radius local_attn_chunk_length lsh_attn_chunk_length "
    "num_global_tokens attention_window global_block_size mamba_rank num_query_heads",
    2: "num_key_value_heads num_kv_heads swa_num_key_value_heads num_global_key_value_heads kv_n_heads "
    "num_experts_per_tok num_experts_per_token moe_topk moe_k top_k_experts moe_top_k num_buckets_ "
    "encoder_layers decoder_layers num_layers n_layer n_layers num_hidden_layers num_decoder_layers depth "
    "num_encoder_layers attn_layer_period expert_layer_period full_attention_interval no_rope_layer_interval "
    "sliding_window_pattern top_k router_top_k num_blocks moe_layer_freq global_attn_every_n_layers "
    "num_sparse_encoder_layers num_sparse_decoder_layers zero_expert_num slstm_at_every",
    1: "n_group topk_group num_expert_group num_nextn_predict_layers n_groups mamba_n_groups mamba_ngroups "
    "first_k_dense_replace num_dense_layers attn_layer_offset expert_layer_offset num_mem_blocks "
    "encoder_sparse_step decoder_sparse_step num_kv_shared_layers moe_layer_start_index max_window_layers "
    "n_dense_layers num_dense_blocks",
}
SIZES = {name: size for size, names in _NAMES.items() for name in names.split()}
"""Every whole number of a config that stands for a size, and what a twin has instead."""
OF_KIND: dict[str, dict[str, int]] = {
    "mamba2": {"num_heads": 8},
    "dots3_note_text": {"head_dim": 16},
    "zamba": {"attention_hidden_size": 64, "attention_head_dim": 16},
    "zamba2": {"attention_hidden_size": 64, "attention_head_dim": 16},
}
"""Sizes of kinds whose names mean something else, or whose widths go together in another way."""
LAYERS = (
    "num_hidden_layers",
    "n_layer",
    "n_layers",
    "num_layers",
    "decoder_layers",
    "num_decoder_layers",
    "num_blocks",
)
"""Names of a depth, the first that a config has counts."""
