//! The chunked body of an answer, as its pieces come. A proxy may cut it anew wherever it likes.

use anyhow::Context as _;
use memchr::memmem;

/// A body under way.
#[derive(Debug, Default)]
pub(crate) struct Chunked {
    /// Bytes that begin with the line of a chunk's size, or with the line end of the chunk before.
    held: Vec<u8>,
    /// Bytes of the present chunk that are still to come.
    missing: usize,
    /// What the chunks held; whoever reads takes it out.
    pub(crate) decoded: Vec<u8>,
}

impl Chunked {
    /// A body that begins with `bytes`.
    pub(crate) fn begun(bytes: &[u8]) -> anyhow::Result<Self> {
        let mut body = Self::default();
        body.push(bytes)?;
        Ok(body)
    }

    /// Takes what came next.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.held.extend_from_slice(bytes);
        loop {
            let taken = self.missing.min(self.held.len());
            self.decoded.extend(self.held.drain(..taken));
            self.missing -= taken;
            let start = if self.held.starts_with(b"\r\n") { 2 } else { 0 };
            let Some(end) = memmem::find(&self.held[start..], b"\r\n").filter(|_| self.missing == 0) else {
                return Ok(());
            };
            let size = std::str::from_utf8(&self.held[start..start + end])?;
            self.missing = usize::from_str_radix(size, 16).with_context(|| format!("a chunk of {size:?}"))?;
            self.held.drain(..start + end + 2);
        }
    }
}
