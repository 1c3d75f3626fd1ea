//! Names that must not be mixed up: one type each.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Eq, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl PartialEq for $name {
            /// One and the same text is not compared letter by letter.
            fn eq(&self, other: &Self) -> bool {
                Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
            }
        }

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.0.hash(state);
            }
        }

        impl $name {
            /// Wraps the text as it stands; the text is not checked.
            #[must_use]
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }
    };
}

text_id! {
    /// One client request; joins an answer to its mirrored copies and to later feedback.
    RequestId
}
text_id! {
    /// A release named by the digest of its content, for example `sem:4f1c…` or `rel:09ab…`.
    ReleaseId
}
impl ReleaseId {
    /// Hex digits of the digest in an id.
    pub const DIGITS: usize = 32;

    /// The id that is all of `text`: `sem:` and its digits. `None`: it is cut short, or something else.
    #[must_use]
    pub fn whole(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("sem:")?.as_bytes();
        let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (digits.len() == Self::DIGITS && digits.iter().all(is_digit)).then(|| Self::from(text))
    }
}

text_id! {
    /// The digest of a judging policy, `pol:…`.
    PolicyDigest
}
text_id! {
    /// One rollout.
    RolloutId
}
text_id! {
    /// A metric, by the name its policy, evidence and verdict share.
    MetricName
}
