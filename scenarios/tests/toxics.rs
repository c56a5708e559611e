//! The document of all toxics says what the registries say.

use std::{env, fmt::Write, fs};

use scenarios::toxic::{self, http};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/toxics.md");

const BYTES: &str = "\
# Toxics
What the proxy does to a link. Written from the registries in `scenarios/src/toxic`; `UPDATE_DOCUMENTS=1 cargo test -p scenarios --test toxics` writes it anew.

## On bytes
Each acts on one `stream` (`downstream` unless said otherwise, or `upstream`, or `both`), and with `toxicity` on a share of the connections.

| type | what it does | attributes |
|---|---|---|
";

const MESSAGES: &str = "
## On HTTP
Each acts on requests and their answers, of HTTP/1.0 and 1.1, whatever `stream` says; `toxicity` spares whole connections. To which requests
it happens is said by further attributes of each. `share` is drawn anew for each request that matches, and the seed repeats the draws.

| attribute | meaning |
|---|---|
";

const KINDS: &str = "
| type | what it does | attributes |
|---|---|---|
";

const RULES: &str = "
- Several on one link are a chain in the order in which they were put on: the first that answers by itself is the last to be asked. Delays add up, changes follow one another. Toxics on bytes act on what those on HTTP have made.
- A toxic acts from the next request on, on connections that exist as well. It ends at once: what is held goes on, what hangs is closed.
- An answer's body is changed up to 1 MiB; a larger or compressed one passes unchanged. A request is sent twice up to 1 MiB. Answers are kept up to 1 MiB each, 256 of them and 16 MiB in all.
- What is not HTTP/1.x, is malformed, or could be read in two ways (a length and a coding, two lengths, a bad chunk) passes as raw bytes from there to the end of its connection; so does all behind an upgrade or a `CONNECT`. Heads are read up to 64 KiB.
- An answer of the proxy's own keeps the connection, unless the request asked for its end or waits for `100 Continue` before it sends its body.
";

fn document() -> String {
    let mut text = BYTES.to_owned();
    let mut row = |cells: [&str; 3]| {
        let _ = writeln!(text, "| `{}` | {} | {} |", cells[0], cells[1], cells[2]);
    };
    for kind in toxic::KINDS {
        let attributes: Vec<String> = kind
            .attributes
            .iter()
            .map(|one| {
                let (name, meaning, most, unit) = (one.name, one.meaning, one.most, one.unit);
                format!("`{name}`: {meaning}, 0 to {most} {unit}")
            })
            .collect();
        row([kind.name, kind.definition, &attributes.join("<br>")]);
    }
    text += MESSAGES;
    for (name, meaning) in http::MATCH {
        let _ = writeln!(text, "| `{name}` | {meaning} |");
    }
    text += KINDS;
    for kind in http::KINDS {
        let attributes: Vec<String> = kind
            .attributes
            .iter()
            .map(|(name, meaning)| format!("`{name}`: {meaning}"))
            .collect();
        let cells = [kind.name, kind.definition, &attributes.join("<br>")];
        let _ = writeln!(text, "| `{}` | {} | {} |", cells[0], cells[1], cells[2]);
    }
    text + RULES
}

#[test]
fn the_document_is_fresh() {
    let expected = document();
    if env::var_os("UPDATE_DOCUMENTS").is_some() {
        fs::write(DOCUMENT, &expected).unwrap();
    }
    let found = fs::read_to_string(DOCUMENT).unwrap();
    assert!(
        found == expected,
        "write it anew: UPDATE_DOCUMENTS=1 cargo test -p scenarios --test toxics"
    );
}
