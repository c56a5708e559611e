//! What is on the screen, without a terminal: the cells, and the text in them. Knows views by their names alone.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::App;
use crate::ask::{Ask, Reply, Request};
use crate::client::Client;
use crate::net;
use crate::text;
use crate::views::{self, ViewId};
use crate::widgets::surface::Surface;
use crate::{Error, Failure};

/// Rounds of questions before a screen counts as settled: a view asks, and its answers may ask once or twice more.
const ROUNDS: usize = 4;

/// Names of the views, in the order of their keys.
#[must_use]
pub fn names() -> Vec<&'static str> {
    views::ALL.iter().map(|v| v.name()).collect()
}

pub(crate) fn view_named(name: &str) -> Result<ViewId, Error> {
    let known = || Error::UnknownView {
        name: name.to_owned(),
        known: names().join(", "),
    };
    views::ALL
        .iter()
        .find(|v| v.name() == name)
        .map(|v| v.id())
        .ok_or_else(known)
}

/// Asks what the state wants to know, until it wants nothing more. A lab that gives no sign of life meanwhile is not asked
/// the rest, each of which might take as long as a query may.
pub(crate) async fn settle(app: &mut App, client: &Client) {
    let mut silent: Option<Failure> = None;
    for _ in 0..ROUNDS {
        let questions = std::mem::take(&mut app.questions);
        if questions.is_empty() {
            return;
        }
        for request in questions {
            let lost = app.lost.is_some();
            let reply = match &silent {
                Some(failure) => refused(request, failure),
                // what changes the drill may be done although the lab is slow to say so
                None if changes(&request.ask) && !lost => net::answer(client, request).await,
                None => tokio::select! {
                    reply = net::answer(client, request.clone()) => reply,
                    failure = net::silence(client, lost) => {
                        silent = Some(failure.clone());
                        refused(request, &failure)
                    }
                },
            };
            app.receive(reply);
        }
    }
}

/// Whether it does something to the drill; that a view was opened changes nothing.
fn changes(ask: &Ask) -> bool {
    ask.slot().is_none() && !matches!(ask, Ask::Opened(_))
}

fn refused(request: Request, failure: &Failure) -> Reply {
    let result = Err(failure.clone());
    Reply { request, result }
}

pub(crate) fn buffer_of(app: &App) -> Buffer {
    let mut buffer = Buffer::empty(Rect {
        x: 0,
        y: 0,
        width: app.size.0,
        height: app.size.1,
    });
    let mut surface = Surface::new(&mut buffer, &app.theme);
    app.draw(&mut surface);
    buffer
}

/// What is on the screen, as text without trailing spaces.
pub(crate) fn text_of(app: &App) -> String {
    let buffer = buffer_of(app);
    let mut out = String::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        let mut skip = 0;
        for x in 0..buffer.area.width {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let symbol = buffer[(x, y)].symbol();
            skip = text::width(symbol).saturating_sub(1);
            line.push_str(symbol);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_view_names_the_known_ones() {
        let error = view_named("radar").unwrap_err().to_string();
        assert!(
            error.contains("overview") && error.contains("debrief"),
            "{error}"
        );
    }
}
