//! A streaming framer of HTTP/1.x messages: tells of the bytes at hand which are head, framing, body
//! and end of a message. It copies, holds and changes nothing, does no input or output, and gives up
//! ([`Event::Raw`]) rather than guess; what is given up passes as it is.

use super::head::{Body, Head, NotHttp, Search, Side};

/// Longest line of a chunk's size with its extensions, or of a trailer section.
const MOST_OVERHEAD_BYTES: usize = 16 * 1024;

/// What the bytes at the front of the input are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Nothing can be said of them before more have come.
    More,
    /// So many are a complete head. [`Framer::body`] must be called before the next event.
    Head(usize, Head),
    /// So many carry the body's framing: sizes of chunks, trailers.
    Framing(usize),
    /// So many are the body's own.
    Data(usize),
    /// The message has ended before them.
    End,
    /// From here on the stream is not to be read as HTTP; said again whenever asked.
    Raw,
}

/// Reads one direction of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Framer {
    side: Side,
    state: State,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Head(Search),
    Length(u64),
    Chunk(Chunk),
    UntilClose,
    Ended,
    Raw,
}

/// Where in a chunked body.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Chunk {
    /// In a size line: digits so far, their value, bytes of the line.
    Size {
        digits: u8,
        value: u64,
        line: usize,
    },
    /// Behind the digits: extensions, or blanks before them.
    Extension {
        value: u64,
        line: usize,
        begun: bool,
    },
    /// Behind the carriage return of a size line.
    SizeEnd(u64),
    Data(u64),
    /// Behind a chunk's data.
    DataEnd {
        seen_cr: bool,
    },
    /// In the trailer section: bytes of it so far, bytes of its line, and whether a carriage return came last.
    Trailer {
        bytes: usize,
        line: usize,
        seen_cr: bool,
    },
}

const SIZE: Chunk = Chunk::Size {
    digits: 0,
    value: 0,
    line: 0,
};

impl Framer {
    /// Of a stream that begins with a message.
    pub fn new(side: Side) -> Self {
        Self {
            side,
            state: State::Head(Search::default()),
        }
    }

    /// How the body of the head that was just told ends. A tunnel makes the rest raw.
    pub fn body(&mut self, body: Body) {
        self.state = match body {
            Body::None => State::Ended,
            Body::Length(length) => State::Length(length),
            Body::Chunked => State::Chunk(SIZE),
            Body::UntilClose => State::UntilClose,
            Body::Tunnel => State::Raw,
        };
    }

    /// Reads no further: all that comes is raw.
    pub fn give_up(&mut self) {
        self.state = State::Raw;
    }

    /// Whether the bytes at hand begin with a start line of HTTP that is whole.
    pub const fn has_start_line(&self) -> bool {
        matches!(&self.state, State::Head(search) if search.has_start_line())
    }

    /// Whether it stands between two messages, or in a head.
    pub const fn is_in_head(&self) -> bool {
        matches!(self.state, State::Head(_))
    }

    /// Whether the body lasts until its sender closes.
    pub const fn is_until_close(&self) -> bool {
        matches!(self.state, State::UntilClose)
    }

    /// What the front of `input` is; `input` begins behind what earlier events have told, and is at least as long as at the
    /// last [`Event::More`].
    pub fn next(&mut self, input: &[u8]) -> Event {
        match &mut self.state {
            State::Raw => Event::Raw,
            State::Ended => {
                self.state = State::Head(Search::default());
                Event::End
            }
            State::Length(0) => {
                self.state = State::Head(Search::default());
                Event::End
            }
            _ if input.is_empty() => Event::More,
            State::Head(search) => match search.head(self.side, input) {
                Ok(Some((length, head))) => Event::Head(length, head),
                Ok(None) => Event::More,
                Err(NotHttp) => self.raw(),
            },
            State::Length(left) => {
                let length = at_most(*left, input.len());
                *left -= length as u64;
                Event::Data(length)
            }
            State::UntilClose => Event::Data(input.len()),
            State::Chunk(Chunk::Data(left)) => {
                let length = at_most(*left, input.len());
                *left -= length as u64;
                if *left == 0 {
                    self.state = State::Chunk(Chunk::DataEnd { seen_cr: false });
                }
                Event::Data(length)
            }
            State::Chunk(_) => self.framing(input),
        }
    }

    fn raw(&mut self) -> Event {
        self.state = State::Raw;
        Event::Raw
    }

    fn framing(&mut self, input: &[u8]) -> Event {
        let mut length = 0;
        for &byte in input {
            let State::Chunk(chunk) = &self.state else {
                break;
            };
            if matches!(chunk, Chunk::Data(_)) {
                break;
            }
            match chunk.step(byte) {
                Ok(Some(next)) => self.state = State::Chunk(next),
                // the trailer section's last byte
                Ok(None) => self.state = State::Ended,
                Err(NotHttp) => {
                    self.state = State::Raw;
                    break;
                }
            }
            length += 1;
        }
        if length == 0 {
            return Event::Raw;
        }
        Event::Framing(length)
    }
}

impl Chunk {
    /// Behind one more byte of framing; nothing when it was the message's last.
    fn step(&self, byte: u8) -> Result<Option<Self>, NotHttp> {
        let next = match (*self).clone() {
            Self::Size {
                digits,
                value,
                line,
            } => return size(digits, value, line, byte).map(Some),
            Self::Extension { value, line, begun } => match byte {
                b'\r' => Self::SizeEnd(value),
                b'\n' => return Err(NotHttp),
                b' ' | b'\t' if !begun => Self::Extension {
                    value,
                    line: within(line)?,
                    begun,
                },
                b';' => Self::Extension {
                    value,
                    line: within(line)?,
                    begun: true,
                },
                _ if begun => Self::Extension {
                    value,
                    line: within(line)?,
                    begun,
                },
                _ => return Err(NotHttp),
            },
            Self::SizeEnd(0) if byte == b'\n' => Self::Trailer {
                bytes: 0,
                line: 0,
                seen_cr: false,
            },
            Self::SizeEnd(value) if byte == b'\n' => Self::Data(value),
            Self::DataEnd { seen_cr: false } if byte == b'\r' => Self::DataEnd { seen_cr: true },
            Self::DataEnd { seen_cr: true } if byte == b'\n' => SIZE,
            Self::Trailer {
                bytes,
                line,
                seen_cr,
            } => {
                let bytes = within(bytes)?;
                match (byte, seen_cr) {
                    (b'\n', true) if line == 0 => return Ok(None),
                    (b'\n', true) => Self::Trailer {
                        bytes,
                        line: 0,
                        seen_cr: false,
                    },
                    (b'\n', false) | (_, true) => return Err(NotHttp),
                    (b'\r', false) => Self::Trailer {
                        bytes,
                        line,
                        seen_cr: true,
                    },
                    (_, false) => Self::Trailer {
                        bytes,
                        line: line + 1,
                        seen_cr: false,
                    },
                }
            }
            Self::SizeEnd(_) | Self::DataEnd { .. } | Self::Data(_) => return Err(NotHttp),
        };
        Ok(Some(next))
    }
}

fn size(digits: u8, value: u64, line: usize, byte: u8) -> Result<Chunk, NotHttp> {
    if let Some(digit) = char::from(byte).to_digit(16) {
        // sixteen digits are all that fit, and more are a known way to confuse
        if digits == 16 {
            return Err(NotHttp);
        }
        return Ok(Chunk::Size {
            digits: digits + 1,
            value: value << 4 | u64::from(digit),
            line: line + 1,
        });
    }
    match byte {
        _ if digits == 0 => Err(NotHttp),
        b'\r' => Ok(Chunk::SizeEnd(value)),
        b';' | b' ' | b'\t' => Ok(Chunk::Extension {
            value,
            line: line + 1,
            begun: byte == b';',
        }),
        _ => Err(NotHttp),
    }
}

const fn within(bytes: usize) -> Result<usize, NotHttp> {
    if bytes == MOST_OVERHEAD_BYTES {
        return Err(NotHttp);
    }
    Ok(bytes + 1)
}

fn at_most(left: u64, here: usize) -> usize {
    usize::try_from(left).map_or(here, |left| left.min(here))
}

/// Reads a whole stream, given in pieces, as both sides would: what each stretch of bytes is, neighbours of one kind as one.
/// For tests and fuzzing: that nothing is lost, and that pieces make no difference. Answers are read as answers to `method`.
#[must_use]
pub fn outline(side: Side, pieces: &[&[u8]], method: &str) -> Vec<(&'static str, usize)> {
    let mut framer = Framer::new(side);
    let mut told: Vec<(&'static str, usize)> = Vec::new();
    let mut tell = |kind: &'static str, length: usize| match told.last_mut() {
        Some((last, sum)) if *last == kind && kind != "head" && kind != "end" => *sum += length,
        _ => told.push((kind, length)),
    };
    let mut held = Vec::new();
    for piece in pieces {
        held.extend_from_slice(piece);
        loop {
            let used = match framer.next(&held) {
                Event::More => break,
                Event::Head(length, head) => {
                    let body = match &head {
                        Head::Request(head) => super::head::body_of_request(head),
                        Head::Response(head) => super::head::body_of_response(head, method),
                    };
                    match body {
                        Ok(body) => framer.body(body),
                        Err(NotHttp) => {
                            framer.give_up();
                            continue;
                        }
                    }
                    tell("head", length);
                    length
                }
                Event::Framing(length) => {
                    tell("framing", length);
                    length
                }
                Event::Data(length) => {
                    tell("data", length);
                    length
                }
                Event::End => {
                    tell("end", 0);
                    0
                }
                Event::Raw if held.is_empty() => break,
                Event::Raw => {
                    tell("raw", held.len());
                    held.len()
                }
            };
            held.drain(..used);
        }
    }
    if !held.is_empty() {
        tell("held", held.len());
    }
    told
}

#[cfg(test)]
pub(super) mod tests;
