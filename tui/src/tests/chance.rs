//! What nobody would do on purpose: keys, pastes, clicks and sizes of chance, with the answers of a hostile lab in any order.

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::hostile::{hostile, steers};
use super::screens::opened;
use crate::ask::Reply;
use crate::net::perform;
use crate::widgets::surface::Surface;

#[derive(Debug, Clone)]
enum Deed {
    Happens(Event),
    /// So many of the waiting questions are answered, the last asked first if so.
    Answers(usize, bool),
    /// Milliseconds go by.
    Waits(u64),
}

fn key() -> impl Strategy<Value = KeyEvent> {
    let named = prop::sample::select(vec![
        KeyCode::Enter,
        KeyCode::Esc,
        KeyCode::Tab,
        KeyCode::BackTab,
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::Left,
        KeyCode::Right,
        KeyCode::Home,
        KeyCode::End,
        KeyCode::PageUp,
        KeyCode::PageDown,
        KeyCode::Backspace,
        KeyCode::Delete,
        KeyCode::F(1),
        KeyCode::F(5),
    ]);
    let bound = prop::char::range(' ', '~').prop_map(KeyCode::Char);
    let code = prop_oneof![named, bound, any::<char>().prop_map(KeyCode::Char)];
    (code, prop::bool::weighted(0.15)).prop_map(|(code, control)| {
        let modifiers = if control {
            KeyModifiers::CONTROL
        } else {
            KeyModifiers::NONE
        };
        KeyEvent::new(code, modifiers)
    })
}

fn deed() -> impl Strategy<Value = Deed> {
    let mouse = prop::sample::select(vec![
        MouseEventKind::Down(MouseButton::Left),
        MouseEventKind::Down(MouseButton::Left),
        MouseEventKind::ScrollDown,
        MouseEventKind::ScrollUp,
    ]);
    let mouse = (mouse, 0_u16..200, 0_u16..60).prop_map(|(kind, column, row)| {
        Deed::Happens(Event::Mouse(MouseEvent {
            kind,
            column,
            row,
            modifiers: KeyModifiers::NONE,
        }))
    });
    let size = (10_u16..200, 3_u16..60).prop_map(|(w, h)| Deed::Happens(Event::Resize(w, h)));
    let pasted = any::<String>().prop_map(|text| Deed::Happens(Event::Paste(text)));
    prop_oneof![
        12 => key().prop_map(|key| Deed::Happens(Event::Key(key))),
        3 => mouse,
        1 => size,
        1 => pasted,
        3 => (1_usize..6, any::<bool>()).prop_map(|(n, last)| Deed::Answers(n, last)),
        2 => (0_u64..20_000).prop_map(Deed::Waits),
    ]
}

#[test]
fn nothing_that_is_pressed_pasted_clicked_or_answered_makes_the_screen_panic_or_steer() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    proptest!(ProptestConfig::with_cases(48), |(deeds in prop::collection::vec(deed(), 1..60))| {
        let checked = runtime.block_on(async {
            let (mut app, client, _lab) = opened(hostile(), (80, 24)).await;
            let (mut hits, mut now) = (Vec::new(), 2_000);
            for deed in deeds {
                match deed {
                    Deed::Happens(event) => app.event(&event, &hits),
                    Deed::Waits(ms) => {
                        now += ms;
                        app.tick(now);
                    }
                    Deed::Answers(n, last) => {
                        for _ in 0..n.min(app.questions.len()) {
                            let at = if last { app.questions.len() - 1 } else { 0 };
                            let request = app.questions.remove(at);
                            let result = perform(&client, request.ask.clone(), request.asker).await;
                            app.receive(Reply { request, result });
                        }
                    }
                }
                app.effects.clear();
                let mut buffer = Buffer::empty(Rect::new(0, 0, app.size.0, app.size.1));
                let mut surface = Surface::new(&mut buffer, &app.theme);
                app.draw(&mut surface);
                hits = std::mem::take(&mut surface.hits);
                if let Some(cell) = buffer.content.iter().find(|cell| cell.symbol().chars().any(steers)) {
                    return Err(TestCaseError::fail(format!("{:?} is on the screen", cell.symbol())));
                }
            }
            Ok(())
        });
        checked?;
    });
}
