//! How often the proxy asks for memory: counted for each request and for each frame of a stream, and held, because it
//! grows unseen. Counts are the same on every machine, where times are not.
//!
//! The proxy runs on the thread that counts; client and engine are threads of their own.

#![expect(clippy::unwrap_used, reason = "a test may panic: that is its verdict")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use allocation_counter::measure;
use arc_swap::ArcSwap;
use goldgate::domain::{ReleaseId, Slot};
use goldgate::proxy::{Counters, Deployed, Occupant, ProxyOptions, ProxyParts, Slots, StickySource, start};
use goldgate::release::Prompts;
use goldgate::routing::RouteTable;
use goldgate::telemetry::{Clock, SystemClock};
use goldgate::upstream::{Endpoint, Pool, PoolOptions, Timeouts};

/// Requests before anything is counted: connections are opened, buffers have grown.
const WARM: usize = 200;
const COUNTED: usize = 1_000;
const FRAMES: usize = 500;

/// What was measured is 37.03 and 3.10, the stream's own request among the latter.
const PER_REQUEST_MAX: f64 = 38.0;
const PER_FRAME_MAX: f64 = 3.2;

const REQUEST: &str =
    r#"{"model":"m","messages":[{"role":"user","content":"What is the largest of these?"}],"temperature":0}"#;
const WHOLE: &str = r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"The last."},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}"#;
const CHUNK: &str =
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\" token\"},\"finish_reason\":null}]}\n\n";

#[test]
fn a_request_and_a_frame_ask_for_memory_no_more_often_than_they_did() {
    let (next_frame, wanted) = channel();
    let engine = TcpListener::bind("127.0.0.1:0").unwrap();
    let engine_addr = engine.local_addr().unwrap();
    thread::spawn(move || serve(&engine, &wanted));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (running, mut samples) = runtime.block_on(proxy(engine_addr));
    let addr = running.addr();

    let mut client = TcpStream::connect(addr).unwrap();
    client.set_nodelay(true).unwrap();
    let counted = |requests: usize, client: TcpStream| {
        let work = thread::spawn(move || ask_whole(client, requests));
        let allocations = measure(|| {
            while !work.is_finished() {
                runtime.block_on(async { tokio::time::sleep(std::time::Duration::from_millis(1)).await });
            }
        });
        (work.join().unwrap(), allocations.count_total)
    };
    let (back, _) = counted(WARM, client);
    let (back, of_requests) = counted(COUNTED, back);
    client = back;
    while samples.try_recv().is_ok() {}

    let work = thread::spawn(move || ask_stream(client, &next_frame));
    let of_stream = measure(|| {
        while !work.is_finished() {
            runtime.block_on(async { tokio::time::sleep(std::time::Duration::from_millis(1)).await });
        }
    });
    work.join().unwrap();

    let (per_request, per_frame) =
        (of_requests as f64 / COUNTED as f64, of_stream.count_total as f64 / FRAMES as f64);
    assert!(per_request <= PER_REQUEST_MAX, "{per_request} allocations a request");
    assert!(per_frame <= PER_FRAME_MAX, "{per_frame} allocations a frame");
}

async fn proxy(
    engine: SocketAddr,
) -> (goldgate::proxy::Running, tokio::sync::mpsc::Receiver<goldgate::evidence::Sample>) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let endpoint: Endpoint = format!("http://{engine}").parse().unwrap();
    let options = PoolOptions { endpoints: vec![endpoint], timeouts: Timeouts::default() };
    let deployed = Deployed {
        sem: ReleaseId::from("sem:a"),
        model: None,
        sampling: serde_json::Map::new(),
        client_may_set: None,
        salts_prefixes: false,
        prompts: Arc::new(Prompts::default()),
    };
    let pool = Arc::new(Pool::new(options, Arc::clone(&clock)).unwrap());
    let slots = Arc::new(Slots::new());
    slots.occupy(Slot::Blue, Some(Occupant { pool, deployed: Arc::new(deployed) }));
    let (sender, samples) = tokio::sync::mpsc::channel(4_096);
    let parts = ProxyParts {
        table: Arc::new(ArcSwap::from_pointee(RouteTable::steady(1, 7, Slot::Blue))),
        slots,
        cache: None,
        warm_up: None,
        samples: sender,
        graders: Vec::new(),
        clock,
        counters: Arc::new(Counters::default()),
    };
    let options = ProxyOptions { sticky: StickySource::defaults(), ..ProxyOptions::default() };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    (start(options, parts, listener).unwrap(), samples)
}

/// The engine: one connection, whole answers, and for a stream a frame whenever the client wants the next one.
fn serve(listener: &TcpListener, wanted: &Receiver<()>) {
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_nodelay(true).unwrap();
    let whole = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{WHOLE}",
        WHOLE.len()
    );
    let frame = format!("{:x}\r\n{CHUNK}\r\n", CHUNK.len());
    let mut held = [0; 8_192];
    loop {
        let request = read_until(&mut stream, &mut held, |held| held.ends_with(b"}"));
        if request == 0 {
            return;
        }
        if !held[..request].windows(13).any(|part| part == b"\"stream\":true") {
            stream.write_all(whole.as_bytes()).unwrap();
            continue;
        }
        stream
            .write_all(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
            )
            .unwrap();
        for () in wanted {
            stream.write_all(frame.as_bytes()).unwrap();
        }
        stream.write_all(b"0\r\n\r\n").unwrap();
    }
}

fn ask_whole(mut stream: TcpStream, requests: usize) -> TcpStream {
    let request = post(REQUEST);
    let mut held = [0; 8_192];
    for _ in 0..requests {
        stream.write_all(request.as_bytes()).unwrap();
        assert!(read_until(&mut stream, &mut held, |held| held.ends_with(WHOLE.as_bytes())) > 0);
    }
    stream
}

fn ask_stream(mut stream: TcpStream, next_frame: &Sender<()>) {
    let body =
        REQUEST.replace("\"temperature\":0", "\"stream\":true,\"stream_options\":{\"include_usage\":true}");
    stream.write_all(post(&body).as_bytes()).unwrap();
    let mut held = [0; 8_192];
    assert!(read_until(&mut stream, &mut held, |held| held.ends_with(b"\r\n\r\n")) > 0);
    for _ in 0..FRAMES {
        next_frame.send(()).unwrap();
        assert!(read_until(&mut stream, &mut held, |held| held.ends_with(b"\n\n\r\n")) > 0);
    }
}

fn post(body: &str) -> String {
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Reads until what came is whole; gives its length, 0 at the end.
fn read_until(stream: &mut TcpStream, held: &mut [u8], is_whole: impl Fn(&[u8]) -> bool) -> usize {
    let mut length = 0;
    while length == 0 || !is_whole(&held[..length]) {
        match stream.read(&mut held[length..]) {
            Ok(0) | Err(_) => return 0,
            Ok(more) => length += more,
        }
    }
    length
}
