//! Scripted players, to prove that the score tells skill from luck: an expert, one who restarts
//! everything, one who guesses. The first two sit at the same HTTP API as a person; the guesser plays
//! on recorded journals.

mod expert;
mod guesser;
mod restarter;
mod seat;

pub use expert::{Expert, Found};
pub use guesser::mean_guess;
pub use restarter::restart_everything;
pub use seat::{Seat, SeatError};
