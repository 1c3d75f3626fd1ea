//! A scripted engine on a real socket, for tests of the pool and of the proxy. Nothing in it waits for
//! time: it waits for the test's gate or for the peer to leave.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::Endpoint;

/// What the engine does with one request, in order; afterwards it reads the next one.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Writes and flushes these bytes.
    Send(Vec<u8>),
    /// Waits for one `open`, or for the peer to leave.
    Gate,
    /// Reads nothing more; one `open` ends it.
    Deaf,
    /// Says nothing until the peer leaves.
    Hang,
    /// Ends the connection with a reset.
    Reset,
    /// Ends the connection in order.
    Close,
    /// Says that nothing more will come, and waits for the peer to leave.
    Fin,
    /// Writes this many bytes `x`, piece by piece.
    Fill(usize),
}

/// One request as the engine got it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The value of a header, by its lower-case name.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    }
}

type Script = Arc<dyn Fn(&Seen) -> Vec<Step> + Send + Sync>;

#[derive(Clone)]
struct State {
    script: Script,
    /// It answers as soon as it has read a head.
    is_hasty: bool,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<AtomicUsize>,
    arrived: Arc<Semaphore>,
    gate: Arc<Semaphore>,
    gone: Arc<Semaphore>,
}

/// A running engine; dropping it closes everything.
pub(crate) struct Engine {
    addr: SocketAddr,
    state: State,
    _tasks: JoinSet<()>,
}

impl Engine {
    pub(crate) async fn start(script: impl Fn(&Seen) -> Vec<Step> + Send + Sync + 'static) -> Self {
        Self::run(Arc::new(script), false).await
    }

    /// An engine that acts on a head alone; it takes no second request on a connection.
    pub(crate) async fn hasty(script: impl Fn(&Seen) -> Vec<Step> + Send + Sync + 'static) -> Self {
        Self::run(Arc::new(script), true).await
    }

    async fn run(script: Script, is_hasty: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let semaphore = || Arc::new(Semaphore::new(0));
        let state = State {
            script,
            is_hasty,
            seen: Arc::default(),
            connections: Arc::default(),
            arrived: semaphore(),
            gate: semaphore(),
            gone: semaphore(),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, state.clone()));
        Self { addr, state, _tasks: tasks }
    }

    /// An engine that does the same with every request.
    pub(crate) async fn always(steps: Vec<Step>) -> Self {
        Self::start(move |_| steps.clone()).await
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        format!("http://{}", self.addr).parse().unwrap()
    }

    /// Lets `count` gates pass.
    pub(crate) fn open(&self, count: usize) {
        self.state.gate.add_permits(count);
    }

    /// Waits until `count` further requests have arrived.
    pub(crate) async fn arrived(&self, count: u32) {
        self.state.arrived.acquire_many(count).await.unwrap().forget();
    }

    /// Waits until a peer has left one connection.
    pub(crate) async fn gone(&self) {
        self.state.gone.acquire().await.unwrap().forget();
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }
}

async fn accept(listener: TcpListener, state: State) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        state.connections.fetch_add(1, Ordering::SeqCst);
        connections.spawn(serve(stream, state.clone()));
    }
}

async fn serve(mut stream: TcpStream, state: State) {
    stream.set_nodelay(true).unwrap();
    let mut buffer = Vec::new();
    while let Some(seen) = read_request(&mut stream, &mut buffer, state.is_hasty).await {
        let steps = (state.script)(&seen);
        state.seen.lock().unwrap().push(seen);
        state.arrived.add_permits(1);
        for step in steps {
            if !play(step, &mut stream, &state).await {
                state.gone.add_permits(1);
                return;
            }
        }
    }
    state.gone.add_permits(1);
}

async fn play(step: Step, stream: &mut TcpStream, state: &State) -> bool {
    match step {
        Step::Send(bytes) => stream.write_all(&bytes).await.is_ok(),
        Step::Gate => tokio::select! {
            permit = state.gate.acquire() => { permit.unwrap().forget(); true }
            () = left(stream) => false,
        },
        Step::Deaf => {
            state.gate.acquire().await.unwrap().forget();
            true
        }
        Step::Hang => {
            left(stream).await;
            false
        }
        Step::Reset => {
            stream.set_zero_linger().unwrap();
            false
        }
        Step::Close => {
            let _ = stream.shutdown().await;
            false
        }
        Step::Fin => {
            let _ = stream.shutdown().await;
            left(stream).await;
            false
        }
        Step::Fill(count) => fill(count, stream).await,
    }
}

async fn fill(mut count: usize, stream: &mut TcpStream) -> bool {
    let piece = [b'x'; 64 << 10];
    while count > 0 {
        let now = count.min(piece.len());
        if stream.write_all(&piece[..now]).await.is_err() {
            return false;
        }
        count -= now;
    }
    true
}

async fn left(stream: &mut TcpStream) {
    let mut byte = [0];
    while !matches!(stream.read(&mut byte).await, Ok(0) | Err(_)) {}
}

async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>, is_hasty: bool) -> Option<Seen> {
    let head_end = loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if !matches!(stream.read_buf(buffer).await, Ok(count) if count > 0) {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&buffer[..head_end]).into_owned();
    let mut seen = Seen { head, body: Vec::new() };
    if is_hasty {
        return Some(seen);
    }
    let length: usize = seen.header("content-length").map_or(0, |text| text.parse().unwrap());
    while buffer.len() < head_end + length {
        if !matches!(stream.read_buf(buffer).await, Ok(count) if count > 0) {
            return None;
        }
    }
    seen.body = buffer[head_end..head_end + length].to_vec();
    buffer.drain(..head_end + length);
    Some(seen)
}

/// A whole answer with its length.
pub(crate) fn whole(status: &str, content_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// The head of a chunked answer.
pub(crate) fn chunked_head(content_type: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ntransfer-encoding: chunked\r\n\r\n")
        .into_bytes()
}

/// One chunk.
pub(crate) fn chunk(data: &str) -> Vec<u8> {
    format!("{:x}\r\n{data}\r\n", data.len()).into_bytes()
}

/// The end of a chunked answer.
pub(crate) const LAST_CHUNK: &[u8] = b"0\r\n\r\n";
