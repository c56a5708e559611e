//! The framer on whole messages, on what is not to be read, and on any bytes in any pieces.

use super::*;
use proptest::prelude::*;

fn requests(text: &str) -> Vec<(&'static str, usize)> {
    outline(Side::Requests, &[text.as_bytes()], "GET")
}

fn responses(text: &str, method: &str) -> Vec<(&'static str, usize)> {
    outline(Side::Responses, &[text.as_bytes()], method)
}

#[test]
fn pipelined_requests_end_where_they_end() {
    let text = "GET /a HTTP/1.1\r\n\r\nPOST /b HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /c HTTP/1.1\r\n\r\nGE";
    assert_eq!(
        requests(text),
        [
            ("head", 19),
            ("end", 0),
            ("head", 39),
            ("data", 3),
            ("end", 0),
            ("head", 19),
            ("end", 0),
            ("held", 2),
        ]
    );
}

#[test]
fn chunks_have_extensions_and_trailers() {
    let text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;a=\"b\";c\r\nwiki\r\nA \t\r\n0123456789\r\n0\r\nx: y\r\nz: w\r\n\r\nHTTP/1.1 204 N\r\n\r\n";
    assert_eq!(
        responses(text, "GET"),
        [
            ("head", 47),
            ("framing", 11),
            ("data", 4),
            ("framing", 7),
            ("data", 10),
            ("framing", 19),
            ("end", 0),
            ("head", 18),
            ("end", 0),
        ]
    );
}

#[test]
fn an_answer_without_length_lasts_until_close() {
    let text = "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
    assert_eq!(responses(text, "GET"), [("head", 19), ("data", 19)]);
    assert_eq!(
        responses(text, "HEAD"),
        [("head", 19), ("end", 0), ("head", 19), ("end", 0)]
    );
}

#[test]
fn behind_a_switch_of_protocols_all_is_raw() {
    let text = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n\0\x01 anything";
    assert_eq!(responses(text, "GET"), [("head", 48), ("raw", 11)]);
}

#[test]
fn a_bad_chunk_makes_the_rest_raw_and_what_was_good_stays_told() {
    let head = "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n";
    for (body, framing) in [
        ("zz\r\n", 0),
        (";x\r\n", 0),
        ("5\n", 1),
        ("5 x\r\n", 2),
        ("5;\n", 2),
        ("5\rx", 2),
        ("-5\r\n", 0),
        ("0x5\r\n", 1),
        ("11111111111111111\r\n", 16),
        ("0\r\na\n", 4),
        ("0\r\n\rx", 4),
    ] {
        let mut expected = vec![("head", head.len())];
        if framing > 0 {
            expected.push(("framing", framing));
        }
        expected.push(("raw", body.len() - framing));
        assert_eq!(requests(&format!("{head}{body}")), expected, "{body:?}");
    }
    let text = format!("{head}1\r\nabc");
    let told = [("head", 47), ("framing", 3), ("data", 1), ("raw", 2)];
    assert_eq!(requests(&text), told);
}

#[test]
fn extensions_and_trailers_without_end_are_given_up() {
    let head = "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n";
    for begin in ["1;", "1 ", "0\r\nx: "] {
        let fill = if begin == "1 " { " " } else { "e" };
        let text = format!("{head}{begin}{}", fill.repeat(2 * MOST_OVERHEAD_BYTES));
        let told = requests(&text);
        assert_eq!(told.last().unwrap().0, "raw", "{begin:?}");
    }
}

#[test]
fn smuggled_requests_are_raw_with_their_head() {
    let text =
        "POST / HTTP/1.1\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(requests(text), [("raw", text.len())]);
    let text = "POST / HTTP/1.1\r\ncontent-length : 4\r\n\r\n";
    assert_eq!(requests(text), [("raw", text.len())]);
    let folded = "GET / HTTP/1.1\r\na: b\r\n c\r\n\r\n";
    assert_eq!(requests(folded), [("raw", folded.len())]);
}

/// Streams that are HTTP here and there, so that properties reach deep into a message.
pub(in super::super) fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n".to_vec()),
        Just(b"POST /a HTTP/1.1\r\ncontent-length: 5\r\n\r\nhello".to_vec()),
        Just(b"POST /a HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n".to_vec()),
        Just(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_vec()),
        Just(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec()),
        Just(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec()),
        Just(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()),
        Just(b"3;e=1\r\nabc\r\n".to_vec()),
        Just(b"0\r\nt: v\r\n\r\n".to_vec()),
        Just(b"0\r\n\r\n".to_vec()),
        Just(b"\r\n".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..12),
        "[A-Z0-9a-f :;=/\r\n]{0,12}".prop_map(String::into_bytes),
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn pieces_make_no_difference_and_no_byte_is_lost(
        bytes in stream(),
        mut cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
        side in prop_oneof![Just(Side::Requests), Just(Side::Responses)],
        method in prop_oneof![Just("GET"), Just("HEAD"), Just("CONNECT")],
    ) {
        let whole = outline(side, &[&bytes], method);
        prop_assert_eq!(whole.iter().map(|(_, length)| length).sum::<usize>(), bytes.len());
        let mut ends: Vec<usize> = cuts.drain(..).map(|cut| cut.index(bytes.len() + 1)).collect();
        ends.extend([0, bytes.len()]);
        ends.sort_unstable();
        let pieces: Vec<&[u8]> = ends.windows(2).map(|ends| &bytes[ends[0]..ends[1]]).collect();
        prop_assert_eq!(&outline(side, &pieces, method), &whole);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(&outline(side, &single, method), &whole);
    }
}
