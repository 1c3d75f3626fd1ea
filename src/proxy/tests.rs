//! The proxy before scripted engines.
