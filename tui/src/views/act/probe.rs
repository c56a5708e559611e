//! A request of one's own to a service of the shop: the form with those that are ready, and the answer as lines.

use api::{ShopAnswer, ShopRequest};
use ratatui::text::Line;

use super::state::Pane;
use crate::app::App;
use crate::app::overlay::Overlay;
use crate::ask::Ask;
use crate::client::Asker;
use crate::text;
use crate::theme::Theme;
use crate::time::clock;
use crate::views::case::forms::Purpose;
use crate::widgets::form::{Choosable, Field, Form};

/// Labels of the form's fields.
const READY: &str = "ready";
/// See [`READY`].
const OWN: &str = "or your own";
/// See [`READY`].
const HEADERS: &str = "headers";
/// See [`READY`].
const BODY: &str = "body";

/// `R`: the form of a request.
pub fn open(app: &mut App) {
    if app.observer {
        return app.say_bad("you are watching: an observer changes nothing");
    }
    let Some(ready) = &app.views.act.ready.value else {
        let refused = app.views.act.ready.failure.as_ref();
        let refused = refused.map(|failure| match &failure.remedy {
            Some(remedy) => format!("{}: {remedy}", failure.message),
            None => failure.message.clone(),
        });
        app.ask(Ask::ReadyRequests, Asker::Screen);
        return match refused {
            Some(why) => app.say_bad(format!("the requests cannot be read: {why}")),
            None => app.say("the requests are still being read; try again in a moment"),
        };
    };
    let ready = ready.iter().map(|ready| Choosable {
        id: line(&ready.request),
        text: ready.title.clone(),
        group: String::new(),
        sentence: false,
    });
    let fields = vec![
        Field::one(READY, ready.collect()),
        Field::text(OWN),
        Field::text(HEADERS),
        Field::text(BODY),
    ];
    let intro = "Goes through the service's proxy, as traffic of the shop does, with a trace of its own. Your own is written like a ready one: orders GET /readyz. Headers: name: value, parted by semicolons. A body of your own takes the place of the ready one's.";
    Overlay::open_form(
        app,
        Form::new("Send a request", intro, fields).verb("Send"),
        Purpose::Request,
    );
}

/// A request in one line, as it is chosen and written.
fn line(request: &ShopRequest) -> String {
    format!("{} {} {}", request.service, request.method, request.path)
}

/// What the form asks for.
///
/// # Errors
/// What is missing or is not written as it should be.
pub fn request(app: &App, form: &Form) -> Result<Ask, String> {
    let (ready, own) = (form.field(READY).said(), form.field(OWN).said());
    let mut request = if own.is_empty() {
        let mut all = app.views.act.ready.value.iter().flatten();
        let found = all.find(|one| line(&one.request) == ready);
        let found = found.ok_or("choose a request, or write one of your own")?;
        found.request.clone()
    } else {
        written(&own)?
    };
    request.headers = headers(&form.field(HEADERS).said())?;
    let body = form.field(BODY).said();
    if !body.is_empty() {
        request.body = body;
    }
    Ok(Ask::Send(request))
}

/// `orders GET /readyz`, the method in any case, and GET where it is left out.
fn written(said: &str) -> Result<ShopRequest, String> {
    let words: Vec<&str> = said.split_whitespace().collect();
    let (service, method, path) = match words.as_slice() {
        [service, path] => (*service, "GET", *path),
        [service, method, path] => (*service, *method, *path),
        _ => return Err("write service, method and path, as in orders GET /readyz".to_owned()),
    };
    if !path.starts_with('/') {
        return Err("the path begins with a slash, as in orders GET /readyz".to_owned());
    }
    Ok(ShopRequest {
        service: service.to_owned(),
        method: method.to_uppercase(),
        path: path.to_owned(),
        ..ShopRequest::default()
    })
}

/// `accept: text/plain; x-a: b`.
fn headers(said: &str) -> Result<Vec<(String, String)>, String> {
    let parts = said
        .split(';')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    parts
        .map(|part| match part.split_once(':') {
            Some((name, value)) if !name.trim().is_empty() => {
                Ok((name.trim().to_owned(), value.trim().to_owned()))
            }
            _ => Err(format!("{part:?} is no header: write name: value")),
        })
        .collect()
}

/// An answer has come: it is shown, and the keys move in it, unless whoever sent it does something else by now.
pub fn arrived(app: &mut App, answer: ShopAnswer) {
    let said = format!("{}: {}", line(&answer.request), state(&answer));
    let waited = app.views.act.sent_keys.take() == Some(app.keys);
    let keys = match waited {
        true => "gt opens its trace",
        false => "Tab in 8 Act shows it",
    };
    let way = app.way(keys, "answer tells more");
    match answer.status {
        Some(_) => app.say(format!("{said}; {way}")),
        None if waited => app.say_bad(said),
        None => app.say_bad(format!("{said}; {way}")),
    }
    let act = &mut app.views.act;
    act.answer = Some(answer);
    act.unread = true;
    if waited {
        act.pane = Pane::Details;
        act.read_answer();
    }
    // an order is sent once: the next one needs another id
    app.ask(Ask::ReadyRequests, Asker::Screen);
}

/// Status and duration.
pub(super) fn state(answer: &ShopAnswer) -> String {
    let status = answer
        .status
        .map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    format!("{status} in {:.0} ms", answer.duration_ms)
}

/// The answer as text: its body, or all that is known.
#[must_use]
pub fn told(answer: &ShopAnswer, whole: bool) -> String {
    if !whole {
        return answer.body.clone();
    }
    let mut facts = facts(answer);
    facts.push(answer.body.clone());
    facts.join("\n")
}

/// What there is to say beside the body, a fact a line.
fn facts(answer: &ShopAnswer) -> Vec<String> {
    let mut facts = vec![
        format!("{} {}", clock(answer.at_ms), line(&answer.request)),
        format!("{}, trace {}", state(answer), answer.trace_id),
    ];
    facts.extend(answer.error.clone());
    facts.extend(
        answer
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}")),
    );
    if answer.shown_bytes < answer.body_bytes {
        facts.push(format!(
            "the first {} of {} bytes of its body:",
            answer.shown_bytes, answer.body_bytes
        ));
    }
    facts
}

/// The answer as lines on screen.
pub(super) fn lines(answer: &ShopAnswer, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let style = match answer.status {
        Some(..=399) => theme.good,
        Some(400..=499) => theme.warn,
        _ => theme.bad,
    };
    let mut lines = Vec::new();
    for (index, fact) in facts(answer).iter().enumerate() {
        let style = match index {
            0 => theme.header,
            1 => style,
            _ => theme.dim,
        };
        lines.extend(
            text::wrap(fact, width)
                .into_iter()
                .map(|line| Line::styled(line, style)),
        );
    }
    let body = serde_json::from_str::<serde_json::Value>(&answer.body);
    let body = body.and_then(|json| serde_json::to_string_pretty(&json));
    for row in body.as_ref().unwrap_or(&answer.body).lines() {
        let rows = text::wrap(row, width).into_iter();
        lines.extend(rows.map(|line| Line::styled(line, theme.text)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_a_body_are_those_that_were_sent() {
        let mut answer = ShopAnswer {
            request: written("orders /readyz").unwrap(),
            at_ms: 0,
            status: Some(200),
            error: None,
            headers: Vec::new(),
            // three bytes each, in place of one
            body: "\u{fffd}\u{fffd}".to_owned(),
            body_bytes: 2,
            shown_bytes: 2,
            duration_ms: 1.0,
            trace_id: String::new(),
        };
        assert!(!told(&answer, true).contains("the first"));
        answer.body_bytes = 5;
        assert!(told(&answer, true).contains("the first 2 of 5 bytes of its body:"));
    }

    #[test]
    fn a_request_of_ones_own_is_read_and_what_is_none_says_how() {
        let read = written(" orders  post /orders ").unwrap();
        assert_eq!(line(&read), "orders POST /orders");
        assert_eq!(
            line(&written("orders /readyz").unwrap()),
            "orders GET /readyz"
        );
        for wrong in ["orders", "orders GET readyz", "a b c d", ""] {
            assert!(
                written(wrong)
                    .unwrap_err()
                    .contains("as in orders GET /readyz")
            );
        }
        let said = headers(" accept: text/plain ; x-a: b:c;").unwrap();
        assert_eq!(said[1], ("x-a".to_owned(), "b:c".to_owned()));
        assert!(headers("nonsense").is_err() && headers(": v").is_err());
        assert!(headers("").unwrap().is_empty());
    }
}
