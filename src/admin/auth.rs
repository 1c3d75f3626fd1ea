//! Who may do what.

use std::fmt;
use std::net::IpAddr;

use axum::http::{HeaderMap, Method, header};

use super::problem::Problem;

/// What a token may do; each role may do what the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Look.
    Viewer,
    /// Start, pause, resume, abort, roll back: everything that leads back to what was there.
    Operator,
    /// Promote: move users on without waiting for the judge.
    Approver,
}

impl Role {
    /// The word used in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Approver => "approver",
        }
    }

    /// What a request needs.
    fn needed(method: &Method, path: &str) -> Self {
        match (method, path.rsplit('/').next()) {
            (&Method::GET | &Method::HEAD, _) => Self::Viewer,
            (_, Some("promote")) => Self::Approver,
            _ => Self::Operator,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One bearer token. Only its digest is kept, so that no dump or log can show it.
#[derive(Clone)]
pub struct Token {
    digest: blake3::Hash,
    role: Role,
}

impl Token {
    /// A token with its role.
    #[must_use]
    pub fn new(secret: &str, role: Role) -> Self {
        Self { digest: blake3::hash(secret.as_bytes()), role }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.role)
    }
}

/// Who may do what on this port.
#[derive(Clone, Debug)]
pub enum Access {
    /// Everybody on this machine, everything.
    Loopback,
    /// Whoever has one of these tokens, what its role may.
    Tokens(Vec<Token>),
}

/// Paths that show nothing of a rollout.
const OPEN: [&str; 3] = ["/", "/healthz", "/readyz"];

impl Access {
    /// Lets a request through, or says why not.
    pub(super) fn check(&self, method: &Method, path: &str, headers: &HeaderMap) -> Result<(), Problem> {
        match self {
            Self::Loopback => named_as_loopback(headers)?,
            Self::Tokens(_) if OPEN.contains(&path) => return Ok(()),
            Self::Tokens(tokens) => has_token(tokens, Role::needed(method, path), headers)?,
        }
        if method == Method::POST { is_deliberate(headers) } else { Ok(()) }
    }
}

fn has_token(tokens: &[Token], needed: Role, headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(secret) = given.and_then(|value| value.strip_prefix("Bearer ")) else {
        return Err(Problem::unauthorized("send a token: Authorization: Bearer …"));
    };
    // Digests of equal length, compared in constant time by their own type.
    let digest = blake3::hash(secret.trim().as_bytes());
    match tokens.iter().find(|token| token.digest == digest) {
        None => Err(Problem::unauthorized("this token is not known")),
        Some(token) if token.role < needed => Err(Problem::forbidden(format!(
            "this needs the role {needed}; the token's role is {}",
            token.role
        ))),
        Some(_) => Ok(()),
    }
}

/// A page that made its own name point to 127.0.0.1 still says that name here.
fn named_as_loopback(headers: &HeaderMap) -> Result<(), Problem> {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let loopback = name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    if loopback {
        return Ok(());
    }
    Err(Problem::forbidden(format!(
        "without tokens this port answers only to a loopback name, not to {name:?}"
    )))
}

/// A web page can send a form anywhere; it cannot send JSON anywhere without being asked first.
fn is_deliberate(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().is_some_and(|kind| kind.trim() == "application/json") {
        return Ok(());
    }
    Err(Problem::unsupported("send content-type: application/json; the body may be {}"))
}
