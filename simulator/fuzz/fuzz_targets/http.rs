//! Streams of HTTP messages and of anything else: what the framer tells covers every byte, and does
//! not depend on the pieces in which they come.
#![no_main]

use libfuzzer_sys::fuzz_target;
use simulator::proxy::http::{frame::outline, head::Side};

fuzz_target!(|data: &[u8]| {
    // the first two bytes say what is read, and how it is cut
    let [choice, cut, stream @ ..] = data else {
        return;
    };
    let side = if choice & 1 == 0 {
        Side::Requests
    } else {
        Side::Responses
    };
    let method = ["GET", "HEAD", "CONNECT"][usize::from(choice >> 1) % 3];
    let whole = outline(side, &[stream], method);
    let told: usize = whole.iter().map(|(_, length)| length).sum();
    assert_eq!(told, stream.len());
    for size in [1, usize::from(*cut) + 1] {
        let pieces: Vec<&[u8]> = stream.chunks(size).collect();
        assert_eq!(outline(side, &pieces, method), whole);
    }
});
