//! The store as its owners meet it: crashes, second processes, damaged files.

mod evidence;
mod journal;
