//! What a person hears who types lines in the plain mode, against the lab of fixed answers.

use super::fixture::{self, Shared};
use super::screens::{opened, press};
use crate::client::Client;
use crate::plain::Session;
use crate::screen::text_of;

/// A conversation with a lab that has told its brief and its page.
pub async fn talking(lab: fixture::Lab) -> (Session, Shared) {
    let (address, lab) = fixture::start(lab).await;
    let mut session = Session::new(Client::new(&address).unwrap(), false);
    for _ in 0..2 {
        session.look().await;
    }
    (session, lab)
}

/// The queries for log lines that a person asked.
fn asked_of_loki(lab: &Shared) -> Vec<String> {
    let asked = lab.lock().asked.clone();
    let of_person = asked.iter().filter(|(_, _, background)| !background);
    of_person
        .filter_map(|(_, uri, _)| {
            let url = reqwest::Url::parse(&format!("http://lab{uri}")).ok()?;
            let query = url.query_pairs().find(|(name, _)| name == "query")?;
            url.path().contains("loki").then(|| query.1.into_owned())
        })
        .collect()
}

#[tokio::test]
async fn bare_words_are_looked_for_in_the_fields_that_lines_show() {
    let (mut session, lab) = talking(fixture::lab()).await;
    session.line("logs timeout").await;
    let asked = asked_of_loki(&lab);
    let query = asked.last().expect("a person asked for lines");
    for part in [
        "{{__line__}}",
        "{{.service}}",
        "{{.trace_id}}",
        "{{.route}}",
    ] {
        assert!(query.contains(part), "{query}");
    }
    assert!(
        query.ends_with(r#"| words_=~"(?is).*timeout.*" | drop words_"#),
        "{query}"
    );
    // what was typed stays what is shown, and what it became can be told
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["2", "/", "timeout", "Enter"]).await;
    assert_eq!(app.views.logs.query.ran, "timeout");
    assert!(
        asked_of_loki(&lab)
            .last()
            .is_some_and(|q| q.contains("{{.route}}"))
    );
    assert_eq!(&*session.line("logql").await, format!("{query}\n"));
}

#[tokio::test]
async fn words_that_are_found_nowhere_say_where_they_were_looked_for() {
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    lab.lock().empty = true;
    press(&mut app, &client, &["2", "/", "o-4711", "Enter"]).await;
    let shown = text_of(&app);
    let places = "looked for \"o-4711\" in the message, service, level, trace and span id and";
    assert!(
        shown.contains("no line matches") && shown.contains(places),
        "{shown}"
    );
    let (mut session, lab) = talking(fixture::lab()).await;
    lab.lock().empty = true;
    let said = session.line("logs o-4711").await;
    assert!(
        said.starts_with("no line in range 15 min: looked for \"o-4711\""),
        "{said}"
    );
    assert!(said.contains("route"), "{said}");
    let said = session.line("logs {service=\"orders\"}").await;
    assert!(
        said.starts_with("no line in range 15 min matches {service=\"orders\"}"),
        "{said}"
    );
}

#[tokio::test]
async fn a_drill_is_solved_in_plain_mode_by_typed_lines() {
    let (address, lab) = fixture::start(fixture::lab()).await;
    let mut session = Session::new(Client::new(&address).unwrap(), false);
    let mut said = session.look().await;
    said.add(session.look().await);
    assert!(
        said.contains("PAGE") && said.contains("Order history is slow"),
        "{said}"
    );
    assert!(session.line("logs timeout").await.contains("60 lines"));
    assert!(session.line("pin 2").await.contains("pinned as #3"));
    assert!(session.line("traces").await.contains("40 traces"));
    let trace = session.line("trace 1").await;
    assert!(
        trace.contains("64 times orders SELECT * FROM order_items"),
        "{trace}"
    );
    let map = session.line("map").await;
    assert!(
        map.contains("ring: checkout to pricing to promotions to checkout"),
        "{map}"
    );
    let asked = session.line("diagnose").await;
    assert!(asked.contains("2. orders"), "{asked}");
    for answer in ["9", "2", "n-plus-one", "c2", "2", "90", "1 3", "by item"] {
        said = session.line(answer).await;
    }
    assert!(said.contains("Right: that is the root cause"), "{said}");
    assert_eq!(
        lab.lock()
            .case
            .diagnoses
            .last()
            .map(|d| d.request.pins.clone()),
        Some(vec![1, 3])
    );
    session.line("act 1").await;
    assert!(session.line("y").await.contains("rolled out"));
    session.line("finish").await;
    session.line("y").await;
    let debrief = session.line("debrief").await;
    assert!(debrief.contains("Score 78.5 of 100"), "{debrief}");
    assert!(session.line("dance").await.contains("no command is called"));
}

#[tokio::test]
async fn the_plain_mode_tells_how_history_is_made_at_the_start_and_every_few_seconds() {
    let (address, lab) = fixture::start(super::screens::preparing()).await;
    let mut session = Session::new(Client::new(&address).unwrap(), false);
    let first = session.look_at(0).await;
    assert_eq!(
        &*first,
        "preparing, 42 %: making history: 02:47:30; the page comes at 03:00\n"
    );
    lab.lock().drill.progress = 0.6;
    assert_eq!(&*session.look_at(2_000).await, "");
    assert!(session.look_at(4_000).await.contains("60 %"));
}

#[tokio::test]
async fn every_deed_is_confirmed_in_a_line() {
    let (mut session, lab) = talking(fixture::lab()).await;
    lab.lock().drill.acknowledged_ms = None;
    session.look_at(60_000).await;
    assert_eq!(&*session.line("ack").await, "the page is acknowledged\n");
    assert_eq!(&*session.line("note hello there").await, "noted\n");
    assert_eq!(
        &*session.line("update we look").await,
        "status update sent\n"
    );
    let said: Vec<serde_json::Value> = lab.lock().posted.iter().map(|(_, b)| b.clone()).collect();
    assert!(
        said.iter()
            .any(|b| b["text"] == "hello there" && b["status_update"] == false)
    );
    assert!(
        said.iter()
            .any(|b| b["text"] == "we look" && b["status_update"] == true)
    );
    session.line("hypothesis").await;
    session.line("clocks differ").await;
    session.line("").await;
    let opened = session.line("").await;
    assert!(
        opened.contains("hypothesis") && opened.contains("opened"),
        "{opened}"
    );
    let id = lab.lock().case.hypotheses.last().map(|h| h.id).unwrap();
    let rejected = session.line(&format!("reject {id} 1")).await;
    assert_eq!(&*rejected, format!("hypothesis {id} rejected with #1\n"));
    let case = session.line("case").await;
    assert!(
        case.contains(&format!(
            "hypothesis {id}, rejected: clocks differ · pins #1"
        )),
        "{case}"
    );
    assert_eq!(&*session.line("unpin 2").await, "pin #2 dropped\n");
    session.line("finish").await;
    assert_eq!(&*session.line("n").await, "not done\n");
    assert!(!lab.lock().ended);
    session.line("prove").await;
    assert!(
        session
            .line("y")
            .await
            .contains("the stress test has begun")
    );
}

#[tokio::test]
async fn a_question_takes_other_names_and_repeats_itself_without_its_list() {
    let mut quiet = fixture::lab();
    quiet.case.diagnoses.clear();
    let (mut session, lab) = talking(quiet).await;
    session.line("diagnose").await;
    let missing = session.line("").await;
    assert!(
        missing.contains("component cannot be left out; a lone dot leaves"),
        "{missing}"
    );
    let wrong = session.line("odrers").await;
    assert!(wrong.contains("the nearest: 2. orders"), "{wrong}");
    assert_eq!(wrong.lines().count(), 2, "{wrong}");
    assert!(session.line("?").await.contains("3. shipping"));
    session.line("ORDERS").await;
    let next = session.line("N plus one").await;
    assert!(next.contains("trigger (a number or a name"), "{next}");
    // what was answered is there again after leaving
    let left = session.line(".").await;
    assert!(left.contains("kept for the next time"), "{left}");
    let again = session.line("diagnose").await;
    assert!(again.contains("now orders"), "{again}");
    assert_eq!(&*session.line(".").await, &*left);
    assert!(
        lab.lock()
            .posted
            .iter()
            .all(|(what, _)| what != "diagnosis")
    );
}

#[tokio::test]
async fn keys_are_told_as_commands_and_the_debrief_in_sentences() {
    let (mut session, _) = talking(fixture::lab()).await;
    let asked = session.line("finish").await;
    assert!(
        asked.contains("(diagnose)") && asked.contains("(prove)"),
        "{asked}"
    );
    session.line("n").await;
    let asked = session.line("quit").await;
    assert!(asked.contains("stay and type finish"), "{asked}");
    session.line("n").await;
    session.line("finish").await;
    session.line("y").await;
    let debrief = session.line("debrief").await;
    for glyph in ['│', '└', '●', '▌', '█', '…'] {
        assert!(!debrief.contains(glyph), "{glyph} in\n{debrief}");
    }
    assert!(
        debrief.contains(" you: ") && debrief.contains(" truth: "),
        "{debrief}"
    );
    assert!(debrief.contains("; leads to 2"), "{debrief}");
}

#[tokio::test]
async fn what_is_not_there_is_said_with_what_is() {
    let (mut session, _) = talking(fixture::lab()).await;
    let said = session.line("traces").await;
    assert!(said.starts_with("40 traces, the first 30 told"), "{said}");
    let said = session.line("more").await;
    assert!(said.starts_with("40 traces, all of them told"), "{said}");
    assert!(
        said.contains("\n31. ") && !said.contains("\n30. "),
        "{said}"
    );
    let said = session.line("pin 99").await;
    assert_eq!(&*said, "no row 99 in the view told last, traces\n");
    let said = session.line("names nosuch").await;
    assert!(
        said.starts_with("no metric has \"nosuch\" in its name"),
        "{said}"
    );
    let said = session.line("trace 1").await;
    assert!(said.contains("timed out"), "{said}");
    assert!(
        said.contains(&format!("logs {} tells them", fixture::TRACE)),
        "{said}"
    );
    assert!(
        session
            .line("map")
            .await
            .starts_with("calls over the last 2 min")
    );
}

#[tokio::test]
async fn objectives_are_told_with_what_their_words_mean() {
    let (mut session, _) = talking(fixture::lab()).await;
    let overview = session.line("overview").await;
    assert!(overview.contains("objectives tells"), "{overview}");
    let said = session.line("objectives").await;
    for part in [
        "goal 99.9 %, reached 99.64 % in the last 60 min: 43 of 11900 failed",
        "budget 56 % left (yellow); if it goes on, nothing in 10.2 min",
        "burns too fast for a page",
        "Error budget: the requests that may fail",
    ] {
        assert!(said.contains(part), "{part} is missing in {said}");
    }
}

#[tokio::test]
async fn the_time_range_is_chosen_by_typed_lines() {
    let (mut session, _lab) = talking(fixture::lab()).await;
    for (line, range) in [
        ("zoom", "time range 7.5 min"),
        ("zoom out", "time range 15 min"),
        ("since 2m", "time range 03:02:12 to 03:04:12"),
        ("between 02:58 03:00:30", "time range 02:58:00 to 03:00:30"),
        ("earlier", "time range 02:56:45 to 02:59:15"),
        ("later", "time range 02:58:00 to 03:00:30"),
        ("hold", "time range 2.5 min"),
    ] {
        let said = session.line(line).await;
        assert!(said.starts_with(range), "{line}: {said}");
    }
    for (line, why) in [
        ("since", "how long?"),
        ("since yesterday", "how long?"),
        ("between 03:00", "from when to when?"),
        ("between 3 4", "no time of day"),
        ("between 03:02 03:01", "ends before it begins"),
    ] {
        let said = session.line(line).await;
        assert!(said.contains(why), "{line}: {said}");
    }
}

#[tokio::test]
async fn rows_are_followed_filtered_and_shown_by_typed_lines() {
    let (mut session, lab) = talking(fixture::lab()).await;
    session.line("logs {service=\"worker\"}").await;
    let shown = session.line("show 1").await;
    assert!(shown.contains("\"fields\""), "{shown}");
    session.line("only level=error").await;
    session.line("without route=/cart").await;
    let asked = asked_of_loki(&lab);
    let query = asked.last().expect("a person asked for lines");
    assert!(
        query.contains("level=\"error\"") && query.contains("route!=\"/cart\""),
        "{query}"
    );
    session.line("logs timeout").await;
    let around = session.line("context 2").await;
    assert!(
        around.contains(" lines, ") || around.contains(" line, "),
        "{around}"
    );
    session.line("logs timeout").await;
    session.line("traces-of 1").await;
    assert_eq!(session.app.view, crate::views::ViewId::Traces);
    session.line("overview").await;
    let metrics = session.line("metrics-of 2").await;
    assert!(metrics.contains("series"), "{metrics}");
    let ready = session.line("ready").await;
    assert!(ready.starts_with("1. "), "{ready}");
    assert!(session.line("ready 1").await.contains("series"));
    for (line, why) in [
        ("only", "which value?"),
        ("only a b=c", "no name of a field"),
        ("context 1", "logs tells them"),
        ("show", "which row?"),
        ("logs-of 9999", "no row 9999"),
        ("ready 9999", "ready lists them"),
    ] {
        let said = session.line(line).await;
        assert!(said.contains(why), "{line}: {said}");
    }
}

#[tokio::test]
async fn what_was_found_is_looked_at_closer_by_typed_lines() {
    let (mut session, lab) = talking(fixture::lab()).await;
    let slowest = session.line("slowest").await;
    let took = |told: &str| -> Vec<f64> {
        let hits = told.lines().filter(|line| line.contains(" id "));
        let seconds = hits.filter_map(|line| {
            let before = line.split(" id ").next()?.trim_end_matches(" failed");
            let mut words = before.rsplit(' ');
            let unit = if words.next()? == "s" { 1.0 } else { 0.001 };
            Some(words.next()?.parse::<f64>().ok()? * unit)
        });
        seconds.collect()
    };
    let durations = took(&slowest);
    assert!(
        durations.len() > 1 && durations.is_sorted_by(|a, b| a >= b),
        "{slowest}"
    );
    let failed = session.line("failed").await;
    assert!(
        failed.lines().nth(1).is_some_and(|l| l.contains(" failed")),
        "{failed}"
    );
    // of traces, too, one value is looked for or left out
    session.line("only service=checkout").await;
    session.line("without http.response.status_code=200").await;
    let asked = lab.lock().asked.clone();
    let traceql: Vec<String> = asked
        .iter()
        .filter_map(|(_, uri, _)| {
            let url = reqwest::Url::parse(&format!("http://lab{uri}")).ok()?;
            let found = url.query_pairs().find(|(name, _)| name == "q")?;
            Some(found.1.into_owned())
        })
        .collect();
    let last = traceql.last().expect("traces were asked for");
    for part in [
        "resource.service.name = \"checkout\"",
        "http.response.status_code !=",
    ] {
        assert!(last.contains(part), "{part} is missing in {last}");
    }
    // `traces` begins anew, the newest first
    session.line("traces").await;
    assert_eq!(
        session.app.views.traces.order,
        crate::views::traces::state::Order::Time
    );
    session.line("logs").await;
    let counts = session.line("counts").await;
    assert!(
        counts.contains(" to ") && counts.contains(" Error"),
        "{counts}"
    );
    assert!(counts.lines().count() <= 15, "{counts}");
}

#[tokio::test]
async fn rows_keep_their_numbers_until_they_are_told_anew() {
    let (mut session, lab) = talking(fixture::lab()).await;
    session.line("traces").await;
    let searches = || {
        let asked = lab.lock().asked.clone();
        let search = |(_, uri, _): &&(String, String, bool)| uri.contains("/tempo/api/search");
        asked.iter().filter(search).count()
    };
    let before = searches();
    assert!(before > 0);
    for seconds in [10, 20, 40] {
        session.look_at(seconds * 1_000).await;
    }
    session.line("pin 2").await;
    session.line("more").await;
    assert_eq!(
        searches(),
        before,
        "other rows took the place of those told"
    );
    // another range has other rows, and tells them
    let told = session.line("zoom").await;
    assert!(searches() > before && told.contains("1. "), "{told}");
    let again = session.line("slowest").await;
    assert!(again.contains("1. "), "{again}");
}

#[tokio::test]
async fn panels_and_reasons_are_kept_by_typed_lines() {
    let (mut session, lab) = talking(fixture::lab()).await;
    assert!(session.line("panels").await.contains("no panels yet"));
    session.line("metrics retries_total").await;
    let kept = session.line("keep").await;
    assert!(
        kept.contains("kept: 1 panel") && !kept.contains("Tab"),
        "{kept}"
    );
    session.line("metrics up").await;
    assert_eq!(&*session.line("panels").await, "1. retries_total\n");
    let told = session.line("panels 1").await;
    assert!(told.starts_with("retries_total\n"), "{told}");
    assert_eq!(&*session.line("drop 1").await, "dropped\n");
    assert!(session.line("drop 1").await.contains("panels lists them"));
    // the pin that there is gets its reason
    let pin = lab.lock().case.pins[0].id;
    let said = session.line(&format!("reason #{pin} it began here")).await;
    assert!(said.contains(&format!("noted on pin #{pin}")), "{said}");
    assert_eq!(lab.lock().case.pins[0].note, "it began here");
    let asks = session.line(&format!("reason {pin}")).await;
    assert!(asks.contains("Why does it matter?"), "{asks}");
    session.line("and spread").await;
    assert_eq!(lab.lock().case.pins[0].note, "and spread");
    session.line(&format!("reason {pin} -")).await;
    assert_eq!(lab.lock().case.pins[0].note, "");
    assert!(
        session
            .line("reason 999 x")
            .await
            .contains("case lists them")
    );
}

#[tokio::test]
async fn help_tells_commands_by_what_they_are_for_and_by_word() {
    let (mut session, _lab) = talking(fixture::lab()).await;
    let all = session.line("help").await;
    for title in ["Look\n", "Look closer\n", "Repair and end\n"] {
        assert!(all.contains(title), "{title} is missing in {all}");
    }
    let some = session.line("help hypothesis").await;
    assert!(
        some.contains("reject ID PINS") && !some.contains("metrics or 4"),
        "{some}"
    );
    assert!(session.line("help xyzzy").await.contains("help lists all"));
}

#[tokio::test]
async fn a_refusal_is_told_and_not_what_was_found_before() {
    let (mut session, lab) = talking(fixture::lab()).await;
    session.line("logs {service=\"orders\"}").await;
    assert!(session.line("patterns").await.starts_with("5 patterns"));
    assert!(session.line("counts").await.contains(" to "));
    session.line("logs {service=\"orders\"} |= |").await;
    for command in ["patterns", "counts"] {
        let said = session.line(command).await;
        assert!(
            said.starts_with("problem: parse error"),
            "{command}: {said}"
        );
        assert!(
            !said.contains("5 patterns") && !said.contains(" to "),
            "{said}"
        );
    }
    session.line("logs {service=\"orders\"}").await;
    assert!(session.line("patterns").await.starts_with("5 patterns"));
    // the rest of what is held says that it is not the newest
    lab.lock().refuses = true;
    let said = session.line("map").await;
    assert_eq!(&*said, "problem: the store is busy\n");
    for command in ["overview", "changes", "case", "act", "proof"] {
        let said = session.line(command).await;
        let rest = said.split_once("problem: the store is busy\n");
        assert!(
            rest.is_some_and(|(_, rest)| !rest.is_empty()),
            "{command}: {said}"
        );
    }
}
