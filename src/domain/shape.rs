//! The shapes in which one answer can be told.

/// The shape of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One JSON object.
    Body,
    /// Events, without a chunk that tells the usage.
    Stream,
    /// Events, one of which tells the usage.
    StreamWithUsage,
}

impl Shape {
    /// Whether an answer of this shape serves a reader who wants `wanted` while it comes in: the chunk with the usage can be
    /// left out.
    #[must_use]
    pub const fn serves(self, wanted: Self) -> bool {
        matches!(
            (self, wanted),
            (Self::Stream | Self::StreamWithUsage, Self::Stream)
                | (Self::StreamWithUsage, Self::StreamWithUsage)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Shape::{self, Body, Stream, StreamWithUsage};

    #[test]
    fn a_stream_serves_whoever_wants_no_more_than_it_tells() {
        let check = |shape: Shape, wanted, serves| {
            assert_eq!(shape.serves(wanted), serves, "{shape:?} {wanted:?}");
        };
        check(Stream, Stream, true);
        check(StreamWithUsage, StreamWithUsage, true);
        check(StreamWithUsage, Stream, true);
        check(Stream, StreamWithUsage, false);
        check(Body, Body, false);
        check(Stream, Body, false);
        check(Body, Stream, false);
    }
}
