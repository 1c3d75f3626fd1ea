//! Where a model's weights come from, as content: the same files anywhere give the same digest.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::ReleaseError;
use super::canonical::digest;
use super::file_hashes::FileHashes;

/// Hex digits of a commit.
const COMMIT_DIGITS: usize = 40;

/// Hex digits of an OCI digest.
const SHA256_DIGITS: usize = 64;

/// What `model.source` is, for the lock. Files are read and digested, where they stand is left out; a commit or an
/// image's digest is a name of its content already, and is kept as it is.
///
/// # Errors
/// A file that cannot be read, a reference that moves, or a source of no kind that is known.
pub(super) fn resolve(
    source: &str,
    manifest: &Path,
    folder: &Path,
    hashes: &mut FileHashes<'_>,
) -> Result<Value, ReleaseError> {
    let unknown = || ReleaseError::Source { file: manifest.to_owned(), reference: source.to_owned() };
    let moving = || ReleaseError::Moving { file: manifest.to_owned(), reference: source.to_owned() };
    let (kind, place) = source.split_once(':').ok_or_else(unknown)?;
    let pinned = |separator: &str, digits| {
        place.rsplit_once(separator).is_some_and(|(name, digest)| !name.is_empty() && is_hex(digest, digits))
    };
    match kind {
        "dir" => directory(&folder.join(place), hashes),
        "gguf" => {
            let (blake3, bytes) = hashes.of(&folder.join(place))?;
            Ok(json!({"kind": "gguf", "blake3": blake3, "bytes": bytes}))
        }
        "hf" if pinned("@", COMMIT_DIGITS) => Ok(json!({"kind": "hf", "reference": place})),
        "oci" if pinned("@sha256:", SHA256_DIGITS) => Ok(json!({"kind": "oci", "reference": place})),
        "hf" | "oci" => Err(moving()),
        _ => Err(unknown()),
    }
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// The digest of all files below `root` by their relative paths. Names that begin with a dot are left out: what tools
/// keep beside the weights is none of them. Links are followed, as a Hugging Face snapshot is made of them.
fn directory(root: &Path, hashes: &mut FileHashes<'_>) -> Result<Value, ReleaseError> {
    let mut files = Vec::new();
    list(root, "", &mut files)?;
    files.sort();
    if files.is_empty() {
        return Err(ReleaseError::NoWeights { folder: root.to_owned() });
    }
    let mut parts = Vec::new();
    let mut total = 0;
    for (name, path) in &files {
        let (blake3, bytes) = hashes.of(path)?;
        total += bytes;
        parts.push((name.as_str(), blake3));
    }
    let parts = parts.iter().map(|(name, blake3)| (*name, blake3.as_bytes()));
    let all = digest("goldgate/weights/1", parts);
    Ok(json!({"kind": "dir", "blake3": all, "files": files.len(), "bytes": total}))
}

/// Every file below `folder`, with its path from the root on.
fn list(folder: &Path, prefix: &str, files: &mut Vec<(String, PathBuf)>) -> Result<(), ReleaseError> {
    let unreadable = |source| ReleaseError::Read { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let (path, name) = (entry.path(), format!("{prefix}{name}"));
        let kind = fs::metadata(&path).map_err(|source| ReleaseError::Read { path: path.clone(), source })?;
        if kind.is_dir() {
            list(&path, &format!("{name}/"), files)?;
        } else {
            files.push((name, path));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(source: &str, files: &[(&str, &str)]) -> Result<Value, String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let manifest = folder.path().join("release.toml");
        resolve(source, &manifest, folder.path(), &mut FileHashes::unkept())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn weights_are_named_by_their_content_wherever_they_stand() {
        let shards = [("w/a.safetensors", "1"), ("w/sub/b.safetensors", "22")];
        let one = resolved("dir:w", &shards).unwrap();
        assert_eq!((&one["files"], &one["bytes"]), (&json!(2), &json!(3)));
        let check = |source: &str, files: &[(&str, &str)], same: bool| {
            assert_eq!(resolved(source, files).unwrap() == one, same, "{files:?}");
        };
        check("dir:v", &[("v/a.safetensors", "1"), ("v/sub/b.safetensors", "22")], true);
        check("dir:w", &[shards[0], shards[1], ("w/.cache/x", "9")], true);
        check("dir:w", &[("w/a.safetensors", "2"), shards[1]], false);
        check("dir:w", &[("w/c.safetensors", "1"), shards[1]], false);
        check("dir:w", &[shards[0]], false);
        let gguf = resolved("gguf:m.gguf", &[("m.gguf", "abc")]).unwrap();
        assert_eq!(gguf["blake3"], blake3::hash(b"abc").to_hex().to_string());
    }

    #[test]
    fn a_reference_is_taken_as_it_is_where_it_names_content() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let kept = |source: &str| resolved(source, &[]).map(|value| value["reference"].clone());
        assert_eq!(kept(&format!("hf:org/name@{commit}")), Ok(json!(format!("org/name@{commit}"))));
        let image = format!("registry/name@sha256:{}", "ab".repeat(32));
        assert_eq!(kept(&format!("oci:{image}")), Ok(json!(image)));
        let check = |source: &str, said: &str| {
            let error = resolved(source, &[("empty/.keep", "")]).unwrap_err();
            assert!(error.contains(said), "{error}");
        };
        check("hf:org/name", "moves");
        check("hf:org/name@main", "moves");
        check("hf:org/name@0123456", "moves");
        check("oci:registry/name:latest", "moves");
        check("s3://bucket/weights", "is none of dir:FOLDER");
        check("weights", "is none of dir:FOLDER");
        check("dir:gone", "gone: cannot be read");
        check("dir:empty", "holds no file");
        check("gguf:gone.gguf", "gone.gguf: cannot be read");
    }
}
