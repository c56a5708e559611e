//! What the screen does while the lab is not reached: it says since when, tells a lab that has ended from one that hangs,
//! and keeps what was handed in until the lab has taken it.

use api::Phase;

use super::App;
use super::overlay::Overlay;
use crate::Failure;
use crate::ask::Ask;
use crate::time::clock;
use crate::views::case::forms::Purpose;
use crate::widgets::form::Form;

/// After so long without anybody at its address the lab counts as closed, milliseconds: nobody restarts one so late.
const CLOSED_MS: u64 = 10_000;

/// A form on its way to the lab.
pub struct HandedIn {
    number: u64,
    form: Overlay,
    /// Keys that had been pressed by then.
    keys: u64,
}

impl App {
    /// Hands a form in, and keeps it until the lab has said yes.
    pub fn hand_in(&mut self, ask: Ask, form: &Form, purpose: &Purpose) {
        let mut form = form.clone();
        form.error = None;
        let form = Overlay::Form(Box::new(form), purpose.clone());
        let before = self.numbers;
        self.tell(ask);
        if self.numbers == before {
            // nothing was sent: an observer hands nothing in
            return self.keep(form);
        }
        self.handed_in.push(HandedIn {
            number: self.numbers,
            form,
            keys: self.keys,
        });
    }

    /// What was handed in under this number, if anything.
    pub(super) fn taken_back(&mut self, number: u64) -> Option<HandedIn> {
        let place = self.handed_in.iter().position(|h| h.number == number)?;
        Some(self.handed_in.remove(place))
    }

    /// A form was not taken: it stands open again if nothing was pressed since, and otherwise waits as it was.
    pub(super) fn comes_back(&mut self, handed: HandedIn, failure: &Failure) {
        let HandedIn { mut form, keys, .. } = handed;
        let Overlay::Form(fields, _) = &mut form else {
            return;
        };
        let title = fields.title.clone();
        let mut why = failure.message.clone();
        if failure.is_lost() && !failure.absent {
            why.push_str("; it may have been taken all the same: look before you hand it in again");
        }
        if self.overlay.is_none() && keys == self.keys && !self.typed {
            fields.error = Some(why);
            self.overlay = Some(form);
        } else {
            self.say_bad(format!("{title:?} is kept as it was: {why}"));
            self.keep(form);
        }
    }

    /// Keeps a form that was left unfinished or was not taken.
    pub(super) fn keep(&mut self, overlay: Overlay) {
        let Overlay::Form(form, _) = &overlay else {
            return;
        };
        let title = form.title.clone();
        let open = matches!(&self.overlay, Some(Overlay::Form(now, _)) if now.title == title);
        if open || self.drafts.contains_key(&title) {
            self.more_drafts.push(overlay);
        } else {
            self.drafts.insert(title, overlay);
        }
    }

    /// The newest form of a title that is kept.
    pub(super) fn draft(&mut self, title: &str) -> Option<Overlay> {
        let named = |o: &Overlay| matches!(o, Overlay::Form(form, _) if form.title == title);
        self.drafts.remove(title).or_else(|| {
            let place = self.more_drafts.iter().rposition(named)?;
            Some(self.more_drafts.remove(place))
        })
    }

    /// Whether the lab is gone for good, as far as can be known: the drill has ended, or nobody has been there for long.
    #[must_use]
    pub fn lab_closed(&self) -> bool {
        let Some(since) = self.absent_ms else {
            return false;
        };
        self.phase() == Phase::Ended || self.mono_ms.saturating_sub(since) >= CLOSED_MS
    }

    /// What the banner says of a lab that is not reached.
    #[must_use]
    pub fn lost_said(&self) -> Option<String> {
        let lost = self.lost.as_ref()?;
        let told = self.drill().map(|d| format!(" since {}", clock(d.now_ms)));
        let since = told.unwrap_or_default();
        Some(match (self.lab_closed(), self.phase()) {
            (true, Phase::Ended) => {
                "■ the drill has ended and its lab is closed; what was read stays; q leaves"
                    .to_owned()
            }
            (true, _) => {
                format!(
                    "⚠ nobody is at the lab's address{since}: it was closed or has ended; q leaves"
                )
            }
            _ => format!("⚠ {lost}{since}; trying again, nothing typed is lost"),
        })
    }
}
