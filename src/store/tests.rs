//! The store as its owners meet it: crashes, second processes, damaged files.

mod damage;
mod evidence;
mod journal;
