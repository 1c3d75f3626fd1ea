//! An answer that another client asked for, read along by one who asked the same.

use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use http::Response;
use hyper::body::Frame;

use super::admission::{Ask, Place};
use super::caching::wanted;
use super::handler::{InFlight, Shared, name_answer};
use super::headers::CacheWord;
use super::relay::RelayBody;
use super::usage_filter::UsageFilter;
use crate::cache::{Follower, Head};
use crate::upstream::UpstreamError;

/// The body of such an answer. Dropping it leaves the others as they are.
pub(super) struct Along {
    pieces: BoxStream<'static, Result<Bytes, UpstreamError>>,
    _in_flight: InFlight,
}

struct Reading {
    follower: Follower,
    filter: Option<UsageFilter>,
}

impl Reading {
    /// The next piece, without what this client did not ask for; `None` at the end.
    async fn next(mut self) -> Option<(Result<Bytes, UpstreamError>, Option<Self>)> {
        match self.follower.next().await {
            Ok(Some(piece)) => {
                let piece = self.filter.as_mut().map_or(piece.clone(), |filter| filter.push(piece));
                Some((Ok(piece), Some(self)))
            }
            Ok(None) => Some((Ok(self.filter.as_mut().map(UsageFilter::finish)?), None)),
            Err(lost) => {
                // What came before is written first: an error reported now would make the server throw it away.
                tokio::task::yield_now().await;
                let error =
                    UpstreamError::Reset { endpoint: "the engine".to_owned(), detail: lost.to_string() };
                Some((Err(error), None))
            }
        }
    }
}

impl Along {
    pub(super) fn poll_piece(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        loop {
            let polled = self.pieces.as_mut().poll_next(cx);
            if !matches!(&polled, Poll::Ready(Some(Ok(piece))) if piece.is_empty()) {
                return polled.map(|piece| piece.map(|piece| piece.map(Frame::data)));
            }
        }
    }
}

/// The response of a client that reads along.
pub(super) fn read_along(
    shared: &Shared,
    ask: &Ask,
    place: &Place,
    (follower, head): (Follower, Head),
    in_flight: InFlight,
) -> Response<RelayBody> {
    let filter = (head.shape != wanted(ask)).then(UsageFilter::default);
    let reading = Some(Reading { follower, filter });
    let pieces = stream::unfold(reading, |reading| async move { reading?.next().await }).boxed();
    let mut response = Response::new(RelayBody::Along(Along { pieces, _in_flight: in_flight }));
    *response.headers_mut() = head.headers;
    name_answer(shared, ask, place, CacheWord::Shared, None, response.headers_mut());
    response
}
