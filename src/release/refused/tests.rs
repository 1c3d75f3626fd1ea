//! Manifests that hold what they must not, and those that only look so.

use super::*;

const REST: &str = "name = \"r\"\nmodel.id = \"m\"\n";

/// What is said of a manifest with `lines`; empty: nothing.
fn said(lines: &str) -> String {
    let text = format!("{REST}{lines}\n");
    refuse(Path::new("release.toml"), &text).err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn a_secret_in_clear_is_refused_where_it_stands_and_never_repeated() {
    for lines in [
        "engine.flags = [\"--api-key=sk-123\"]",
        "engine.flags = [\"--port=1\", \"--API_KEY sk-123\"]",
        "engine.flags = [\"--api-key\", \"sk-123\"]",
        "engine.flags = [\"--env=HF_TOKEN=sk-123\"]",
        "engine.flags = [\"-e HF_TOKEN=sk-123\"]",
        "engine.flags = [\"-H\", \"Authorization: Bearer sk-123\"]",
        "ops.env = [\"VLLM_API_KEY=sk-123\"]",
        "ops.apiKey = \"sk-123\"",
        "ops.headers = { Authorization = \"Bearer sk-123\" }",
        "ops.proxy = \"http://ann:sk-123@proxy:3128\"",
        "context.search.password = \"sk-123\"",
        "context.pin.password = 123",
        "interface.tools = [{ name = \"search\", api-key = \"sk-123\" }]",
        "numerics.tokens = { hf_token = \"sk-123\" }",
        "sampling.api_key = \"sk-123\"",
    ] {
        let said = said(lines);
        assert!(
            said.starts_with("release.toml:3:") && said.contains("holds a secret in clear"),
            "{lines}: {said}"
        );
        assert!(said.contains("\"env:NAME\"") && !said.contains("123"), "{lines}: {said}");
    }
    let said = said("engine.flags = [\"--port=1\", \"--api-key=sk-123\"]");
    assert!(
        said.starts_with("release.toml:3:29: engine.flags holds a secret in clear (--api-key)"),
        "{said}"
    );
}

#[test]
fn a_reference_to_a_secret_and_what_only_sounds_like_one_are_taken() {
    for lines in [
        "engine.flags = [\"--api-key=$VLLM_API_KEY\", \"--hf-token\", \"env:HF_TOKEN\", \"--api-key\", \"--port=1\"]",
        "engine.flags = [\"--max-num-batched-tokens=8192\", \"--tokenizer=x\", \"--tokenizer-mode\", \"auto\"]",
        "engine.flags = [\"--chat-template-kwargs={\\\"thinking\\\": false}\", \"--override-kv a.b=bool:true\"]",
        "ops = { token = \"file:/run/token\", proxy = \"http://ann:$PASSWORD@proxy\", url = \"http://host:80/a@b:c\" }",
        "ops.env = [\"VLLM_API_KEY=${KEY}\", \"HF_HOME=/models\"]",
        "ops.api_key = \"\"",
        "interface = { eos_token = \"</s>\", tool_parser = \"hermes\", max_tokens = 5 }",
        "context.system = \"Password: never ask for one. Authorization: bearer of good news.\"",
        "sampling = { max_tokens = 5, stop = [\"password=\", \"token=x\"], stop_token_ids = [1] }",
        "prompts.password.template = \"p.j2\"",
    ] {
        assert_eq!(said(lines), "", "{lines}");
    }
}

#[test]
fn an_engine_version_or_image_that_moves_is_refused() {
    for version in ["latest", "main", "nightly", "v0-latest", "latest-cuda12", "stable", "Master"] {
        let said = said(&format!("engine.version = \"{version}\""));
        assert!(
            said.starts_with("release.toml:3:18: engine.version") && said.contains("moves"),
            "{version}: {said}"
        );
    }
    for version in ["0.32.0", "b4321", "0.33.0.dev20260101+nightly", "nightly-2026-01-01", "v1", "deadbeef"] {
        assert_eq!(said(&format!("engine.version = \"{version}\"")), "", "{version}");
    }
    for flags in ["\"--revision=main\"", "\"--tokenizer-revision\", \"main\"", "\"--code-revision main\""] {
        assert!(said(&format!("engine.flags = [{flags}]")).contains("name a commit"), "{flags}");
    }
    assert_eq!(
        said("engine.flags = [\"--revision=0123456789abcdef0123456789abcdef01234567\", \"--x=main\"]"),
        ""
    );
    let pinned = format!("vllm/vllm-openai@sha256:{}", "ab".repeat(32));
    assert_eq!(said(&format!("ops.image = \"{pinned}\"")), "");
    for image in ["vllm/vllm-openai", "vllm/vllm-openai:latest", "vllm/vllm-openai:v0.11.0", "x@sha256:12"] {
        assert!(said(&format!("ops.image = \"{image}\"")).contains("by its digest"), "{image}");
    }
}
