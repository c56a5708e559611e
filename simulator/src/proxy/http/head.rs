//! Heads of HTTP/1.x messages: where one ends in a stream of bytes, what it says, and how long the
//! body behind it is (RFC 9112, 6.3). What could be read in two ways is not read at all.

use scenarios::toxic::http::{Headers, RequestHead, ResponseHead};

/// Longest head that is held; a longer one passes as raw bytes.
pub const MOST_HEAD_BYTES: usize = 64 * 1024;
/// Header fields of a head; servers allow some hundred.
const MOST_FIELDS: usize = 128;
/// Letters of a method that is still taken for one (the longest registered has 17).
const MOST_METHOD_BYTES: usize = 24;

/// Which way a stream of messages goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// From caller to callee.
    Requests,
    /// From callee to caller.
    Responses,
}

/// A head that is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// Of a request.
    Request(RequestHead),
    /// Of an answer.
    Response(ResponseHead),
}

/// How the end of a body is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// There is none.
    None,
    /// So many bytes.
    Length(u64),
    /// Chunks and trailers.
    Chunked,
    /// All bytes until the sender closes.
    UntilClose,
    /// What follows is no HTTP any more, in either direction.
    Tunnel,
}

/// The stream, or what comes from here on, is not to be read as HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotHttp;

/// Looks for the end of a head that comes in pieces, without looking at a byte twice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Search {
    /// Bytes looked at.
    seen: usize,
    /// Where the line under way begins.
    line: usize,
    /// Whether the start line has ended; empty lines before it do not count.
    started: bool,
}

impl Search {
    /// Whether the start line is complete and has the shape of one.
    pub const fn has_start_line(self) -> bool {
        self.started
    }

    /// The head at the front of `input`, with its length in bytes; nothing yet when it is not complete. `input` begins where
    /// it began at the last call.
    ///
    /// # Errors
    /// As soon as it cannot become a head of HTTP/1.x any more.
    pub fn head(&mut self, side: Side, input: &[u8]) -> Result<Option<(usize, Head)>, NotHttp> {
        while let Some(at) = find(&input[self.seen..], b'\n') {
            let begin = std::mem::replace(&mut self.line, self.seen + at + 1);
            self.seen = self.line;
            // a line that ends with a bare line feed is read differently by different programs
            let line = &input[begin..self.line - 1];
            let line = line.strip_suffix(b"\r").ok_or(NotHttp)?;
            if self.seen > MOST_HEAD_BYTES {
                return Err(NotHttp);
            }
            match (self.started, line.is_empty()) {
                (false, true) => {}
                (false, false) => {
                    self.started = true;
                    check_start_line(side, &input[begin..self.line])?;
                }
                (true, false) => {}
                (true, true) => {
                    let length = self.seen;
                    *self = Self::default();
                    return Ok(Some((length, parse(side, &input[..length])?)));
                }
            }
        }
        self.seen = input.len();
        if self.seen > MOST_HEAD_BYTES || !(self.started || may_start(side, &input[self.line..])) {
            return Err(NotHttp);
        }
        Ok(None)
    }
}

fn find(bytes: &[u8], wanted: u8) -> Option<usize> {
    bytes.iter().position(|byte| *byte == wanted)
}

/// Whether a start line may begin like this, so that a protocol in which the caller waits for an answer to `PING` is not held.
pub(super) fn may_start(side: Side, begun: &[u8]) -> bool {
    const VERSION: &[u8] = b"HTTP/1.";
    match side {
        // a lone CR begins an empty line
        Side::Responses => {
            let length = begun.len().min(VERSION.len());
            begun == b"\r" || begun[..length] == VERSION[..length]
        }
        Side::Requests => {
            let method = find(begun, b' ').unwrap_or(begun.len());
            begun == b"\r"
                || (method <= MOST_METHOD_BYTES
                    && (method > 0 || begun.is_empty())
                    && begun[..method].iter().all(|byte| {
                        byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"-_".contains(byte)
                    }))
        }
    }
}

fn check_start_line(side: Side, line: &[u8]) -> Result<(), NotHttp> {
    if !may_start(side, line) {
        return Err(NotHttp);
    }
    let mut fields = [];
    let read = match side {
        Side::Requests => httparse::Request::new(&mut fields).parse(line),
        Side::Responses => httparse::Response::new(&mut fields).parse(line),
    };
    match read {
        Ok(httparse::Status::Partial) => Ok(()),
        Ok(httparse::Status::Complete(_)) | Err(_) => Err(NotHttp),
    }
}

fn parse(side: Side, bytes: &[u8]) -> Result<Head, NotHttp> {
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let complete = |read: httparse::Result<usize>| match read {
        Ok(httparse::Status::Complete(length)) if length == bytes.len() => Ok(()),
        _ => Err(NotHttp),
    };
    match side {
        Side::Requests => {
            let mut head = httparse::Request::new(&mut fields);
            complete(head.parse(bytes))?;
            Ok(Head::Request(RequestHead {
                method: head.method.ok_or(NotHttp)?.to_owned(),
                target: head.path.ok_or(NotHttp)?.to_owned(),
                minor: head.version.ok_or(NotHttp)?,
                headers: headers(head.headers),
            }))
        }
        Side::Responses => {
            let mut head = httparse::Response::new(&mut fields);
            complete(head.parse(bytes))?;
            Ok(Head::Response(ResponseHead {
                status: head.code.ok_or(NotHttp)?,
                minor: head.version.ok_or(NotHttp)?,
                headers: headers(head.headers),
            }))
        }
    }
}

fn headers(fields: &[httparse::Header<'_>]) -> Headers {
    let mut headers = Headers::default();
    for field in fields {
        headers.push(field.name, field.value);
    }
    headers
}

/// The body behind the head of a request.
///
/// # Errors
/// When two readers could disagree: both length and coding, several lengths, a coding that does not end in `chunked`.
pub fn body_of_request(head: &RequestHead) -> Result<Body, NotHttp> {
    match declared(&head.headers, head.minor)? {
        Declared::Chunked => Ok(Body::Chunked),
        Declared::Length(0) | Declared::Nothing => Ok(Body::None),
        Declared::Length(length) => Ok(Body::Length(length)),
        Declared::OtherCoding => Err(NotHttp),
    }
}

/// The body behind the head of an answer to a request with `method`.
///
/// # Errors
/// As of [`body_of_request`]; a coding that does not end in `chunked` lasts until the callee closes.
pub fn body_of_response(head: &ResponseHead, method: &str) -> Result<Body, NotHttp> {
    match head.status {
        101 => return Ok(Body::Tunnel),
        200..=299 if method == "CONNECT" => return Ok(Body::Tunnel),
        100..=199 | 204 | 304 => return Ok(Body::None),
        0..=99 => return Err(NotHttp),
        _ if method == "HEAD" => return Ok(Body::None),
        _ => {}
    }
    match declared(&head.headers, head.minor)? {
        Declared::Chunked => Ok(Body::Chunked),
        Declared::Length(0) => Ok(Body::None),
        Declared::Length(length) => Ok(Body::Length(length)),
        Declared::Nothing | Declared::OtherCoding => Ok(Body::UntilClose),
    }
}

enum Declared {
    Nothing,
    Length(u64),
    Chunked,
    OtherCoding,
}

fn declared(headers: &Headers, minor: u8) -> Result<Declared, NotHttp> {
    let mut lengths = headers.all("content-length");
    let mut codings = headers.all("transfer-encoding").peekable();
    let length = lengths.next();
    if codings.peek().is_some() {
        // HTTP/1.0 has no codings: whoever sends one may frame it either way
        if length.is_some() || minor == 0 {
            return Err(NotHttp);
        }
        let names: Vec<&[u8]> = codings
            .flat_map(|value| value.split(|byte| *byte == b','))
            .map(<[u8]>::trim_ascii)
            .collect();
        let chunked = |name: &&&[u8]| name.eq_ignore_ascii_case(b"chunked");
        return match (names.iter().filter(chunked).count(), names.last()) {
            (1, Some(last)) if chunked(&last) => Ok(Declared::Chunked),
            (0, _) => Ok(Declared::OtherCoding),
            _ => Err(NotHttp),
        };
    }
    let Some(length) = length else {
        return Ok(Declared::Nothing);
    };
    if lengths.next().is_some() || length.is_empty() || !length.iter().all(u8::is_ascii_digit) {
        return Err(NotHttp);
    }
    let digits = std::str::from_utf8(length).map_err(|_| NotHttp)?;
    digits.parse().map(Declared::Length).map_err(|_| NotHttp)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(text: &str) -> Result<Option<(usize, Head)>, NotHttp> {
        Search::default().head(Side::Requests, text.as_bytes())
    }

    fn request_body(fields: &str) -> Result<Body, NotHttp> {
        match request(&format!("POST / HTTP/1.1\r\n{fields}\r\n")) {
            Ok(Some((_, Head::Request(head)))) => body_of_request(&head),
            other => panic!("{other:?}"),
        }
    }

    fn response_body(start: &str, fields: &str, method: &str) -> Result<Body, NotHttp> {
        let text = format!("{start}\r\n{fields}\r\n");
        match Search::default().head(Side::Responses, text.as_bytes()) {
            Ok(Some((_, Head::Response(head)))) => body_of_response(&head, method),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_head_is_found_whole_after_empty_lines_and_before_what_follows() {
        let (length, head) = request("\r\nGET /a?b HTTP/1.1\r\nHost: x\r\n\r\nGET /next")
            .unwrap()
            .unwrap();
        assert_eq!(length, 32);
        let Head::Request(head) = head else { panic!() };
        assert_eq!((head.method.as_str(), head.path()), ("GET", "/a"));
        assert_eq!(head.headers.get("host"), Some(&b"x"[..]));
    }

    #[test]
    fn what_cannot_become_a_head_is_told_at_once() {
        for text in [
            "\0\0\0\x08", // PostgreSQL
            "\x16\x03\x01",
            "SSH-2.0-x\r\n",
            "EHLO me\r\n",
            "PING\r\n",
            "*1\r\n$4\r\n",
            "get key\r\n",
            "hello",
            "PRI * HTTP/2.0\r\n",
            "GET / HTTP/1.1\n",
            "GET /\r\n",
            " GET",
        ] {
            assert_eq!(request(text), Err(NotHttp), "{text:?}");
        }
        for text in [
            "",
            "\r",
            "G",
            "GET",
            "GET /a",
            "GET / HTTP/1.1\r\n",
            "M-SEARCH ",
        ] {
            assert_eq!(request(text), Ok(None), "{text:?}");
        }
        let server = |text: &str| Search::default().head(Side::Responses, text.as_bytes());
        assert_eq!(server("220 smtp"), Err(NotHttp));
        assert_eq!(server("HTTP/2"), Err(NotHttp));
        assert_eq!(server("HTTP/1.1 2"), Ok(None));
    }

    #[test]
    fn a_head_without_end_is_given_up_at_its_limit() {
        let mut text = String::from("GET / HTTP/1.1\r\nx: ");
        text.push_str(&"y".repeat(MOST_HEAD_BYTES - text.len()));
        assert_eq!(request(&text), Ok(None));
        text.push('y');
        assert_eq!(request(&text), Err(NotHttp));
        let many = format!(
            "GET / HTTP/1.1\r\n{}\r\n",
            "a: b\r\n".repeat(MOST_FIELDS + 1)
        );
        assert_eq!(request(&many), Err(NotHttp));
    }

    #[test]
    fn bodies_of_requests() {
        assert_eq!(request_body(""), Ok(Body::None));
        assert_eq!(request_body("content-length: 12\r\n"), Ok(Body::Length(12)));
        assert_eq!(
            request_body("transfer-encoding: Chunked\r\n"),
            Ok(Body::Chunked)
        );
        assert_eq!(
            request_body("transfer-encoding: gzip, chunked\r\n"),
            Ok(Body::Chunked)
        );
        for smuggled in [
            "content-length: 1\r\ntransfer-encoding: chunked\r\n",
            "content-length: 1\r\ncontent-length: 1\r\n",
            "content-length: 1, 1\r\n",
            "content-length: +1\r\n",
            "content-length: -1\r\n",
            "content-length:\r\n",
            "content-length: 0x10\r\n",
            "content-length: 99999999999999999999999\r\n",
            "transfer-encoding: chunked, gzip\r\n",
            "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
            "transfer-encoding: xchunked\r\n",
        ] {
            assert_eq!(request_body(smuggled), Err(NotHttp), "{smuggled:?}");
        }
    }

    #[test]
    fn bodies_of_answers() {
        let length = "content-length: 5\r\n";
        assert_eq!(
            response_body("HTTP/1.1 200 OK", length, "GET"),
            Ok(Body::Length(5))
        );
        assert_eq!(
            response_body("HTTP/1.1 200 OK", length, "HEAD"),
            Ok(Body::None)
        );
        assert_eq!(
            response_body("HTTP/1.1 304 Not Modified", length, "GET"),
            Ok(Body::None)
        );
        assert_eq!(
            response_body("HTTP/1.1 204 No Content", "", "GET"),
            Ok(Body::None)
        );
        assert_eq!(
            response_body("HTTP/1.1 100 Continue", "", "PUT"),
            Ok(Body::None)
        );
        assert_eq!(
            response_body("HTTP/1.0 200 OK", "", "GET"),
            Ok(Body::UntilClose)
        );
        assert_eq!(
            response_body("HTTP/1.1 101 Upgrade", "", "GET"),
            Ok(Body::Tunnel)
        );
        assert_eq!(
            response_body("HTTP/1.1 200 OK", length, "CONNECT"),
            Ok(Body::Tunnel)
        );
        assert_eq!(
            response_body("HTTP/1.1 407 No", length, "CONNECT"),
            Ok(Body::Length(5))
        );
        assert_eq!(
            response_body(
                "HTTP/1.1 200 OK",
                "content-length: 5\r\ntransfer-encoding: chunked\r\n",
                "GET"
            ),
            Err(NotHttp)
        );
        assert_eq!(
            response_body("HTTP/1.1 200", "", "GET"),
            Ok(Body::UntilClose)
        );
    }
}
