//! Messages that are written by the proxy: answers of its own, and the callee's with another body.
//! It knows neither sockets nor toxics.

use http::StatusCode;
use scenarios::toxic::http::{Answer, RequestHead};

/// Whether the connection goes on after the answer to a request.
pub(super) fn keeps_alive(request: &RequestHead) -> bool {
    match request.minor {
        0 => request.headers.lists("connection", "keep-alive"),
        _ => !request.headers.lists("connection", "close"),
    }
}

/// An answer of ours on the wire; `closes` says that the connection ends with it.
pub(super) fn answer(answer: &Answer, request: &RequestHead, closes: bool) -> Vec<u8> {
    let phrase = StatusCode::from_u16(answer.status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Unknown");
    let body = answer.body.as_deref().unwrap_or(phrase);
    let has_body = !matches!(answer.status, 204 | 304);
    let mut text = format!("HTTP/1.1 {} {phrase}\r\n", answer.status);
    let mut field = |name: &str, value: &str| {
        for part in [name, ": ", value, "\r\n"] {
            text.push_str(part);
        }
    };
    for (name, value) in &answer.headers {
        field(name, value);
    }
    if has_body {
        let names = || answer.headers.iter().map(|(name, _)| name);
        if !names().any(|name| name.eq_ignore_ascii_case("content-type")) {
            field("Content-Type", content_type(body));
        }
        field("Content-Length", &body.len().to_string());
    }
    match (closes, request.minor) {
        (true, _) => field("Connection", "close"),
        // an older caller has to be told that it may go on
        (false, 0) => field("Connection", "keep-alive"),
        (false, _) => {}
    }
    text.push_str("\r\n");
    if has_body && request.method != "HEAD" {
        text.push_str(body);
    }
    text.into_bytes()
}

fn content_type(body: &str) -> &'static str {
    if body.starts_with(['{', '[']) {
        "application/json"
    } else {
        "text/plain; charset=utf-8"
    }
}

/// The head of the callee's answer, byte for byte, but for what says how long its body is: that is now `length`.
pub(super) fn with_length(head: &[u8], length: usize) -> Vec<u8> {
    const FRAMING: [&[u8]; 3] = [b"content-length", b"transfer-encoding", b"trailer"];
    let mut changed = Vec::with_capacity(head.len() + 32);
    // a head ends with an empty line
    let fields = head.strip_suffix(b"\r\n").unwrap_or(head);
    for line in fields.split_inclusive(|byte| *byte == b'\n') {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        if !FRAMING
            .iter()
            .any(|framing| name.eq_ignore_ascii_case(framing))
        {
            changed.extend_from_slice(line);
        }
    }
    changed.extend_from_slice(format!("Content-Length: {length}\r\n\r\n").as_bytes());
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenarios::toxic::http::Headers;

    fn request(method: &str, minor: u8, connection: &str) -> RequestHead {
        let mut headers = Headers::default();
        headers.push("Connection", connection);
        RequestHead {
            method: method.into(),
            target: "/".into(),
            minor,
            headers,
        }
    }

    fn text(made: &Answer, request: &RequestHead, closes: bool) -> String {
        String::from_utf8(answer(made, request, closes)).unwrap()
    }

    #[test]
    fn an_answer_says_how_long_it_is_and_whether_it_is_the_last() {
        let mut made = Answer {
            status: 503,
            headers: vec![("X-A".into(), "b".into())],
            body: None,
        };
        assert_eq!(
            text(&made, &request("GET", 1, ""), false),
            "HTTP/1.1 503 Service Unavailable\r\nX-A: b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 19\r\n\r\nService Unavailable"
        );
        assert!(
            text(&made, &request("HEAD", 1, ""), true)
                .ends_with("Content-Length: 19\r\nConnection: close\r\n\r\n")
        );
        made.body = Some("{}".into());
        made.headers = vec![("content-type".into(), "text/x".into())];
        assert_eq!(
            text(&made, &request("GET", 0, "keep-alive"), false),
            "HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/x\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n{}"
        );
        let nothing = Answer {
            status: 204,
            headers: vec![],
            body: None,
        };
        assert_eq!(
            text(&nothing, &request("GET", 1, ""), false),
            "HTTP/1.1 204 No Content\r\n\r\n"
        );
    }

    #[test]
    fn older_callers_go_on_when_they_say_so_and_newer_ones_unless_they_do() {
        assert!(keeps_alive(&request("GET", 1, "upgrade")));
        assert!(!keeps_alive(&request("GET", 1, "Close")));
        assert!(keeps_alive(&request("GET", 0, "Keep-Alive")));
        assert!(!keeps_alive(&request("GET", 0, "")));
    }

    #[test]
    fn a_head_keeps_its_bytes_but_for_its_length() {
        let head = b"HTTP/1.1 200 fine\r\nx-A:  b \r\nTransfer-Encoding: chunked\r\nTrailer: t\r\nZ: content-length: 1\r\n\r\n";
        assert_eq!(
            with_length(head, 12),
            b"HTTP/1.1 200 fine\r\nx-A:  b \r\nZ: content-length: 1\r\nContent-Length: 12\r\n\r\n"
        );
    }
}
