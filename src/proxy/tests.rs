//! The proxy between raw clients and scripted engines, on real sockets. Nothing here waits for time: what
//! must be waited for is a request that arrived, a peer that left, or a sample that came.

mod alike;
mod along;
mod answers;
mod caching;
mod clients;
mod copies;
mod departures;
mod early;
mod faults;
mod framing;
mod hostile;
mod leaks;
mod pins;
mod responses;
mod rig;
mod shapes;
mod stalls;
mod strangers;
mod waits;
mod warm_up;
