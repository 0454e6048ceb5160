"""What LAVIS' own code does, case by case: its special tokens, files, losses, cuts and spelling.

LAVIS cannot be installed here; each case was found by running its code beside ours, and is held by its cause.
"""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from lavis_weights import SIDE, bert_tokenizer, llama, made
from random_models import SPECIALS, WORDS, opt, t5, word_tokenizer
from tokenizers import Regex, pre_tokenizers
from tokenizers import Tokenizer as Backend
from tokenizers import models as kinds
from torch.nn import functional as F
from transformers import PreTrainedTokenizerFast

from sightline.vlm.config import ConfigError, SightlineVlmError
from sightline.vlm.lavis.first_stage import Blip2Qformer
from sightline.vlm.lavis.models import load_model_and_preprocess
from sightline.vlm.lavis.second_stage import Blip2OPT, Blip2T5, Blip2T5Instruct, Blip2VicunaInstruct
from sightline.vlm.lavis.tokens import cleaned_up
from sightline.vlm.loaded import Loaded
from sightline.vlm.model import Blip2
from sightline.vlm.weights import Beside, Checkpoint, Prompts, Tokenizer, read_lavis, save_lavis

ROOM = len(WORDS) + 4
HEADS: dict[str, Any] = {"vision_heads": 4, "bridge_heads": 4}
INSTRUCTED = Prompts(question="{}", question_to_bridge=True, template_to_bridge=True, caption="a red one")


def pixels(many: int = 2) -> torch.Tensor:
    return torch.randn(many, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(3))


def line_tokenizer(before: str = "<bos> $A") -> Tokenizer:
    """A word a token, and a line's end a token of its own, as OPT's tokenizer has it."""
    words = [*WORDS, "\n"]
    backend = Backend(kinds.WordLevel({word: at for at, word in enumerate(words)}, unk_token="<unk>"))
    split = [pre_tokenizers.Split(Regex("\n"), "isolated"), pre_tokenizers.Split(Regex(" +"), "removed")]
    backend.pre_tokenizer = pre_tokenizers.Sequence(split)  # type: ignore[assignment]
    backend.add_special_tokens(SPECIALS)
    backend.post_processor = word_tokenizer(before).backend.post_processor
    return Tokenizer(backend, 0)


def folder_of(checkpoint: Checkpoint, place: Path, tokenizer: Tokenizer | None = None) -> str:
    """The language model with its tokenizer as transformers saves them."""
    language: Any = checkpoint.model.language
    language.model.save_pretrained(place)
    if tokenizer is not None:
        PreTrainedTokenizerFast(tokenizer_object=tokenizer.backend, pad_token="<pad>").save_pretrained(place)
    return str(place)


def opened(kind: Any, checkpoint: Checkpoint) -> Any:
    return kind(Loaded(checkpoint)).train(False)


# 1, 15: files


def test_a_runners_file_of_flan_t5_leaves_the_language_models_own_head(tmp_path: Path) -> None:
    whole = made(t5(ROOM, tie_word_embeddings=False), text=False)
    language: Any = whole.model.language
    language.model.lm_head.weight = torch.nn.Parameter(torch.randn(ROOM, 32))
    own = language.model.lm_head.weight.clone()
    folder = folder_of(whole, tmp_path / "t5")
    save_lavis(whole, tmp_path / "whole.pth")
    state = torch.load(tmp_path / "whole.pth", weights_only=True)["model"]
    aliases = [f"t5_model.{side}.embed_tokens.weight" for side in ("encoder", "decoder")]
    trained = {key: each for key, each in state.items() if not key.startswith("t5_model.") or key in aliases}
    assert set(aliases) <= trained.keys()
    torch.save({"model": trained}, tmp_path / "trained.pth")
    read = read_lavis(tmp_path / "trained.pth", Beside(language_model=folder, **HEADS)).model.language
    assert torch.equal(read.model.lm_head.weight, own)  # type: ignore[union-attr]
    assert not torch.equal(read.model.shared.weight, own)  # type: ignore[union-attr]
    door = opened(Blip2T5, whole)
    door.load_checkpoint(tmp_path / "trained.pth")
    assert torch.equal(door.t5_model.lm_head.weight, own)


def test_a_first_stages_file_begins_a_second_stage_as_in_lavis(tmp_path: Path) -> None:
    first, second = made(None, text=True), made(opt(ROOM), text=False)
    with torch.no_grad():
        first.model.bridge.query_tokens.add_(1.0)  # type: ignore[operator]
    save_lavis(first, tmp_path / "first.pth")
    door = opened(Blip2OPT, second)
    missing, unexpected = door.load_checkpoint(tmp_path / "first.pth")
    assert torch.equal(door.qformer.query_tokens, first.model.bridge.query_tokens)  # type: ignore[arg-type]
    assert "opt_proj.weight" in missing
    assert {"itm_head.weight", "temp", "Qformer.bert.embeddings.word_embeddings.weight"} <= set(unexpected)
    back = opened(Blip2Qformer, made(None, text=True))
    save_lavis(second, tmp_path / "second.pth")
    assert any(name.startswith("opt_") for name in back.load_checkpoint(tmp_path / "second.pth").unexpected_keys)


def test_a_state_dict_has_lavis_names_and_is_read_back(tmp_path: Path) -> None:
    one, other = opened(Blip2OPT, made(opt(ROOM), text=False)), opened(Blip2OPT, made(opt(ROOM), text=False))
    save_lavis(one.loaded.checkpoint, tmp_path / "model.pth")
    state = torch.load(tmp_path / "model.pth", weights_only=True)["model"]
    assert state.keys() == one.state_dict().keys()
    assert {"Qformer.bert.embeddings.position_ids", "opt_proj.weight", "query_tokens"} <= state.keys()
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    assert other.load_state_dict(state) == ([], [])
    assert all(torch.equal(each, state[key]) for key, each in other.state_dict().items())
    trained = [name for name, each in one.train().named_parameters() if each.requires_grad]
    assert trained
    assert not any(name.startswith(("visual_encoder", "opt_model")) for name in trained)
    assert any("Qformer" in name for name in trained)
    with pytest.raises(SightlineVlmError, match="lacks query_tokens: strict=False"):
        other.load_state_dict({key: each for key, each in state.items() if key != "query_tokens"})
    with pytest.raises(SightlineVlmError, match="unexpected \\(1\\): nothing"):
        other.load_state_dict({**state, "nothing": torch.zeros(1)})


def test_vicunas_file_holds_the_buffers_lavis_asks_for(tmp_path: Path) -> None:
    checkpoint = made(llama(), text=True)
    save_lavis(checkpoint, tmp_path / "vicuna.pth")
    state = torch.load(tmp_path / "vicuna.pth", weights_only=True)["model"]
    stored = state["llm_model.model.layers.1.self_attn.rotary_emb.inv_freq"]
    language: Any = checkpoint.model.language
    torch.testing.assert_close(stored, language.model.model.rotary_emb.inv_freq)


# 2, 3, 5: special tokens


def test_opt_from_lavis_files_ends_at_the_newline(tmp_path: Path) -> None:
    whole = made(opt(ROOM), text=False)
    save_lavis(whole, tmp_path / "opt.pth")
    folder = folder_of(whole, tmp_path / "opt", line_tokenizer())
    read = read_lavis(tmp_path / "opt.pth", Beside(language_model=folder, **HEADS))
    assert read.model.writer.eos_ids == (len(WORDS),)
    assert read.config.language.eos_ids == (len(WORDS),)  # type: ignore[union-attr]
    door = opened(Blip2OPT, read)
    assert door.eos_token_id == len(WORDS) == door.opt_tokenizer("\n").input_ids[0, -1]


def test_vicuna_from_lavis_files_begins_with_its_end_token(tmp_path: Path) -> None:
    whole = made(llama(), text=True)
    save_lavis(whole, tmp_path / "vicuna.pth")
    tokenizer = line_tokenizer()
    tokenizer.backend.add_special_tokens(["</s>"])
    beside = Beside(language=llama(), tokenizer=tokenizer, text_tokenizer=bert_tokenizer(), **HEADS)
    read = read_lavis(tmp_path / "vicuna.pth", beside)
    assert read.tokenizer is not None
    assert read.tokenizer.encode("what")[0] == read.tokenizer.id("</s>")


def test_a_whole_vicuna_file_may_have_a_row_more_than_its_folder(tmp_path: Path) -> None:
    longer = made(replace(llama(), architecture={**llama().architecture, "vocab_size": ROOM + 1}), text=True)
    save_lavis(longer, tmp_path / "longer.pth")
    folder = folder_of(made(llama(), text=True), tmp_path / "vicuna", line_tokenizer())
    read = read_lavis(tmp_path / "longer.pth", Beside(language_model=folder, text_tokenizer=bert_tokenizer(), **HEADS))
    language: Any = read.model.language
    assert language.vocab_size == ROOM + 1
    assert torch.equal(language.model.lm_head.weight, longer.model.language.model.lm_head.weight)  # type: ignore[union-attr]
    assert read.config.language.architecture["vocab_size"] == ROOM + 1  # type: ignore[union-attr]
    save_lavis(read, tmp_path / "back.pth", like=tmp_path / "longer.pth")


def test_a_tokenizer_with_a_padding_token_beyond_the_embeddings_still_pads(tmp_path: Path) -> None:
    whole = made(llama(), text=True)
    save_lavis(whole, tmp_path / "vicuna.pth")
    tokenizer = Tokenizer(line_tokenizer().backend, ROOM + 7)
    beside = Beside(language=llama(), tokenizer=tokenizer, text_tokenizer=bert_tokenizer(), **HEADS)
    read = read_lavis(tmp_path / "vicuna.pth", beside)
    read.prompts = INSTRUCTED
    texts = opened(Blip2VicunaInstruct, read).generate(
        {"image": pixels(), "prompt": ["what", "what digit is left"]}, num_beams=1, max_length=3
    )
    assert len(texts) == 2


# 6, 7, 8: losses


@pytest.mark.parametrize("prompt", ["", "a red"])
def test_opt_is_trained_on_the_whole_caption_and_its_newline(prompt: str) -> None:
    checkpoint = made(opt(ROOM), text=False)
    checkpoint.tokenizer = line_tokenizer()
    door = opened(Blip2OPT, checkpoint)
    door.prompt = prompt
    texts = ["a red one", "a red two left of three"]
    model: Blip2 = checkpoint.model
    rows = [checkpoint.tokenizer.encode(f"{text}\n") for text in texts]
    losses = []
    soft = model.speak(model.bridge(model.see(pixels())))
    for row, soft_QE in zip(rows, soft, strict=True):
        words = model.writer.embed(torch.tensor([row]))
        out = model.language.model(inputs_embeds=torch.cat([soft_QE[None], words], 1)).logits[0]  # type: ignore[union-attr]
        skipped = len(checkpoint.tokenizer.encode(prompt)) if prompt else 0  # without a prompt BOS is a target, too
        predicted = out[len(soft_QE) - 1 + skipped : -1]
        losses += F.cross_entropy(predicted, torch.tensor(row[skipped:]), reduction="none").tolist()
    loss = door({"image": pixels(), "text_input": texts})["loss"]
    assert loss.item() == pytest.approx(sum(losses) / len(losses), rel=1e-4)


def test_equal_image_ids_share_the_targets_of_the_contrast() -> None:
    door = opened(Blip2Qformer, made(None, text=True))
    samples = {"image": pixels(4), "text_input": ["a red one", "green two", "a blue three", "left of two"]}
    ids = torch.tensor([3, 5, 3, 9])
    bridge, images = door.qformer, pixels(4)
    with torch.no_grad():
        bridge.temperature.fill_(1e-5)  # random features are nearly alike
    text = door.tokenizer(samples["text_input"])
    words_BK = bridge.contrast_texts(door.forward_text(text))
    queries_BQK = bridge.contrast_images(bridge(door.see({"image": images})))
    sim_BB = torch.einsum("iqk,tk->itq", queries_BQK, words_BK).amax(-1) / bridge.temperature
    same_BB = (ids[:, None] == ids[None]).float()
    target_BB = 0.9 * same_BB / same_BB.sum(1, keepdim=True) + 0.1 / 4
    expected = sum(-(each.log_softmax(1) * target_BB).sum(1).mean() for each in (sim_BB, sim_BB.T)) / 2
    torch.manual_seed(0)
    assert door({**samples, "image_id": ids}).loss_itc.item() == pytest.approx(float(expected), rel=1e-5)
    torch.manual_seed(0)
    assert door(samples).loss_itc.item() != pytest.approx(float(expected), rel=1e-3)


# 9, 12, 17: cuts


def test_the_retrieval_evaluation_reads_35_tokens_of_a_text() -> None:
    door = opened(Blip2Qformer, made(None, text=True))
    words = ["red", "one", "two", "left", "of"]
    long = " ".join(words * 12)
    cut = " ".join((words * 12)[:33])  # with [CLS] and [SEP] 35

    def scores(text: str) -> Any:
        class Batches(list[Any]):
            dataset = SimpleNamespace(text=[text, "a red one"])

        return door.compute_sim_matrix(Batches([{"image": pixels()}]), {"k_test": 1})[0]

    assert (scores(long) == scores(cut)).all()
    assert (scores(long) != scores(" ".join((words * 12)[:30]))).any()


def test_opt_reads_32_tokens_of_a_prompt() -> None:
    checkpoint = made(opt(ROOM), text=False)
    door = opened(Blip2OPT, checkpoint)
    words = "a red one left of two".split() * 10
    asked = {"image": pixels(1), "prompt": " ".join(words)}
    cut = {"image": pixels(1), "prompt": " ".join(words[:31])}  # with BOS 32
    assert (
        door.writer.tokens([asked["prompt"]]).tokens_BL.tolist()
        == door.writer.tokens([cut["prompt"]]).tokens_BL.tolist()
    )
    assert door.generate(asked, num_beams=1, max_length=4) == door.generate(cut, num_beams=1, max_length=4)


def test_an_instruction_aware_qformer_reads_the_last_tokens_of_a_long_text() -> None:
    checkpoint = made(t5(ROOM), text=True)
    checkpoint.prompts = INSTRUCTED
    door = opened(Blip2T5Instruct, checkpoint)
    door.max_txt_len = 32
    words = "a red one left of two".split() * 20
    read = door.writer.questions([" ".join(words)]).tokens_BL[0].tolist()
    short = checkpoint.text_tokenizer.encode(" ".join(words[-30:]))  # type: ignore[union-attr]
    assert read == short
    assert len(door.generate({"image": pixels(1), "prompt": " ".join(words)}, num_beams=1, max_length=3)) == 1


def test_the_tokenizer_pads_to_the_length_that_was_asked_for() -> None:
    door = opened(Blip2Qformer, made(None, text=True))
    texts = ["a red one", "two"]
    read = door.tokenizer(texts, padding="max_length", truncation=True, max_length=32, return_tensors="pt")
    assert read.input_ids.shape == read["attention_mask"].shape == (2, 32)
    assert read.attention_mask.sum(1).tolist() == [5, 3]
    assert door.tokenizer(texts).input_ids.shape == (2, 5)


# 10, 11, 13, 14, 16, 18, and ranked answers


def test_nucleus_sampling_draws_from_the_fifty_likeliest() -> None:
    checkpoint = made(opt(ROOM), text=False)
    door = opened(Blip2OPT, checkpoint)
    torch.manual_seed(11)
    drawn = door.generate({"image": pixels(1)}, use_nucleus_sampling=True, num_beams=1, num_captions=3, max_length=6)
    torch.manual_seed(11)
    ours = door.loaded.caption(
        pixels(1), do_sample=True, top_p=0.9, top_k=50, num_beams=1, num_return_sequences=3, max_new_tokens=6
    )
    assert drawn == [cleaned_up(each.text) for each in ours]


def test_an_instructed_model_without_a_prompt_reads_none() -> None:
    checkpoint = made(t5(ROOM), text=True)
    checkpoint.prompts = INSTRUCTED
    door = opened(Blip2T5Instruct, checkpoint)
    samples = {"image": pixels(1)}
    assert door.generate(samples, max_length=4) == door.generate({**samples, "prompt": ""}, max_length=4)


def test_a_videos_answers_and_classes_are_those_of_its_one_frame() -> None:
    checkpoint = made(t5(ROOM), text=True)
    checkpoint.prompts, checkpoint.decoding = INSTRUCTED, {"repetition_penalty": 1.5}
    door = opened(Blip2T5Instruct, checkpoint)
    still = {"image": pixels(1), "text_input": "what is left", "prompt": "what is left"}
    video = {**still, "image": pixels(1)[:, :, None]}
    assert door.predict_answers(video, max_len=8) == door.predict_answers(still, max_len=8)
    labels = ["one", "two", "three"]
    still.pop("text_input"), video.pop("text_input")
    assert torch.equal(door.predict_class(video, labels), door.predict_class(still, labels))
    long = {**video, "image": pixels(2).transpose(0, 1)[None]}
    assert sorted(door.predict_class(long, labels)[0].tolist()) == [0, 1, 2]


def test_answers_can_be_chosen_from_a_list() -> None:
    door = opened(Blip2T5, made(t5(ROOM), text=False))
    samples = {"image": pixels(), "text_input": ["what is left", "how many"]}
    answers = ["one", "two left", "three"]
    chosen = door.predict_answers(samples, inference_method="rank", answer_list=answers)
    shares = door.loaded.rank(pixels(), samples["text_input"], answers, template="{}").probabilities
    assert chosen == [answers[at] for at in shares.argmax(1).tolist()]
    with pytest.raises(SightlineVlmError, match="give answer_list"):
        door.predict_answers(samples, inference_method="rank")
    with pytest.raises(SightlineVlmError, match="the methods are generate, rank"):
        door.predict_answers(samples, inference_method="beam")


def test_words_are_joined_as_transformers_4_decodes_them() -> None:
    assert cleaned_up("it rides . does n't it ? yes , it 's") == "it rides. doesn't it? yes, it's"
    door = opened(Blip2OPT, made(opt(ROOM), text=False))
    assert door.opt_tokenizer.batch_decode([[4, 5], torch.tensor([6])]) == ["a red", "green"]


# section 3: names


def test_imports_stand_where_lavis_has_them() -> None:
    from sightline.vlm.lavis.models import BaseModel, Blip2Base, blip2_models
    from sightline.vlm.lavis.models.blip2_models.blip2 import compute_sim_matrix
    from sightline.vlm.lavis.models.blip2_models.blip2_opt import Blip2OPT as Same
    from sightline.vlm.lavis.models.blip2_models.Qformer import BertLMHeadModel
    from sightline.vlm.lavis.models.blip_models.blip_outputs import BlipOutput
    from sightline.vlm.lavis.models.eva_vit import VisionTransformer
    from sightline.vlm.lavis.processors import BlipCaptionProcessor, BlipImageEvalProcessor
    from sightline.vlm.lavis.processors.blip_processors import BlipImageBaseProcessor
    from sightline.vlm.lavis.processors.randaugment import RandomAugment

    assert Same is Blip2OPT
    assert issubclass(Blip2OPT, BaseModel)
    assert BaseModel is Blip2Base
    assert issubclass(BlipImageEvalProcessor, BlipImageBaseProcessor)
    assert BlipCaptionProcessor(max_words=2).pre_caption("A Red. One") == "a red"
    named = (blip2_models, compute_sim_matrix, BertLMHeadModel, BlipOutput, VisionTransformer, RandomAugment)
    assert all(each is not None for each in named)


def test_parts_are_reached_by_lavis_names() -> None:
    door = opened(Blip2Qformer, made(None, text=True))
    encoder = door.visual_encoder
    assert encoder.num_features == 32
    assert encoder.get_num_layer("pos_embed") == 0
    assert encoder.get_num_layer("blocks.0.norm1.weight") == 1
    assert len(encoder.get_intermediate_layers(pixels())) == len(encoder.blocks) == 1
    assert torch.equal(encoder.forward_features(pixels()), encoder(pixels()))
    patches = door.see({"image": pixels()})
    queries = door.query_tokens.expand(2, -1, -1)
    out = door.Qformer.bert(query_embeds=queries, encoder_hidden_states=patches, return_dict=True)
    assert torch.equal(out.last_hidden_state, door.qformer(patches))
    text = door.tokenizer(["a red one", "two"])
    read = door.Qformer.bert(text.input_ids, attention_mask=text.attention_mask).last_hidden_state
    assert torch.equal(read[:, 0], door.forward_text(text))
    assert any(name.startswith("bert.encoder.layer.0") for name, _ in door.Qformer.named_parameters())
    with pytest.raises(SightlineVlmError, match="own query_tokens only"):
        door.Qformer.bert(query_embeds=queries + 1, encoder_hidden_states=patches)


def test_a_model_trains_as_lavis_runners_have_it(tmp_path: Path) -> None:
    checkpoint = made(opt(ROOM), text=False)
    save_lavis(checkpoint, tmp_path / "model.pth")
    door = opened(Blip2OPT, checkpoint).train()
    decayed, plain = door.get_optimizer_params(0.05)
    assert decayed["weight_decay"] == 0.05
    assert all(each.ndim > 1 for each in decayed["params"])
    assert all(each.ndim <= 1 for each in plain["params"])
    door.before_training()
    with door.maybe_autocast():
        assert door({"image": pixels(), "text_input": ["a red one", "two"]})["loss"].isfinite()
    assert door.show_n_params().endswith(("K", "M"))
    door.load_checkpoint_from_config({"load_pretrained": True, "pretrained": str(tmp_path / "model.pth")})


def test_a_model_without_a_type_is_told_which_there_are() -> None:
    with pytest.raises(ConfigError, match="model_type of blip2_opt is None, give one of its types: pretrain_opt"):
        load_model_and_preprocess("blip2_opt", None)
