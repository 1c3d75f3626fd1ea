//! The whole program, started as its users start it: the real binary, real sockets, real files.
//!
//! | module | what it holds to |
//! |---|---|
//! | [`serve`] | a proxy alone; a rollout with clients in it; abort and rollback |
//! | [`cache`] | what the cache remembers through a flip and back, in memory and in Redis |
//! | [`template`] | no route of either port moves a template alone |
//! | [`crash`] | `kill -9` in mid-ramp, and what the next process makes of it |
//! | [`resume`] | `kill -9` in the middle of a gate, and the next process that goes on |
//! | [`graded`] | a model that compares both arms' answers, and the verdict without it |
//! | [`syscalls`] | how often a request and a frame are read and written, counted by strace |
//! | [`shutdown`] | SIGTERM with a stream under way |
//! | [`descriptors`] | a process that runs out of descriptors |
//! | [`llama`] | a real inference server in both slots, and the ways in which it breaks |
//! | [`clients`] | the official `openai` packages of Python and Node, through the proxy against direct |
//! | [`bad_input`] | wrong files, wrong engines, wrong ports: exit code and sentence |
//! | [`dashboard`] | the page in a real browser |
//! | [`demo`] | every story of `goldgate demo` ends as told, and the same bytes come twice |
//!
//! [`rig`] is what they share. Every wait is for a condition and has a deadline; every process dies with its test.

#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod cache;
#[cfg(test)]
mod clients;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod dashboard;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod descriptors;
#[cfg(test)]
mod graded;
#[cfg(test)]
mod llama;
#[cfg(test)]
mod resume;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod serve;
#[cfg(test)]
mod shutdown;
#[cfg(test)]
mod syscalls;
#[cfg(test)]
mod template;
