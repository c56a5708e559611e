//! The stand-in: speaks the control protocol and enough HTTP, and misbehaves on request.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::{fd::AsFd, unix::net::UnixStream},
    process::exit,
    time::Duration,
};

use scenarios::{
    control::{Command, Event, ServiceConfig},
    setting::Setting,
    shop::CheckoutRequest,
};

/// Body of the hidden service process.
pub fn run() -> ! {
    assert_eq!(std::env::args().count(), 2, "arguments tell nothing");
    assert!(
        std::env::vars_os().all(|(name, _)| name == "PATH"),
        "the environment tells nothing"
    );
    let fd = std::io::stdin().as_fd().try_clone_to_owned().unwrap();
    let control = UnixStream::from(fd);
    let mut lines = BufReader::new(control.try_clone().unwrap()).lines();
    let Ok(Command::Start(config)) = serde_json::from_str(&lines.next().unwrap().unwrap()) else {
        panic!("the first line is Start");
    };
    if config.version == "dies" {
        eprintln!("the cellar is locked");
        exit(3);
    }
    if config.version == "unable" {
        say(
            &control,
            &Event::Failed {
                reason: "the database is not there".into(),
            },
        );
        exit(1);
    }
    for setting in &config.settings {
        if let Setting::StartDelayMs(ms) = setting {
            std::thread::sleep(Duration::from_millis(*ms));
        }
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let stubborn = config.version == "stubborn";
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let config = config.clone();
            std::thread::spawn(move || serve(stream, &config));
        }
    });
    say(&control, &Event::Ready { port });
    println!("listening");
    let mut pondered = false;
    for line in lines.map_while(Result::ok) {
        match serde_json::from_str(&line).unwrap() {
            Command::Set { id, settings } | Command::Replace { id, settings }
                if settings.contains(&Setting::WorkerSlots(13)) =>
            {
                say(
                    &control,
                    &Event::Refused {
                        id,
                        reason: "thirteen is unlucky".into(),
                    },
                );
            }
            // it takes no notice of this the first time
            Command::Set { settings, .. } | Command::Replace { settings, .. }
                if !pondered && settings.contains(&Setting::WorkerSlots(14)) =>
            {
                pondered = true;
                println!("pondering");
            }
            Command::Set { id, .. } | Command::Replace { id, .. } => {
                say(&control, &Event::Applied { id })
            }
            Command::Stop if stubborn => {}
            Command::Stop => exit(0),
            Command::Start(_) => panic!("started twice"),
        }
    }
    // the supervisor is gone
    exit(0);
}

fn say(mut control: &UnixStream, event: &Event) {
    let mut line = serde_json::to_vec(event).unwrap();
    line.push(b'\n');
    control.write_all(&line).unwrap();
}

/// Keep-alive HTTP/1.1, good enough for one client that behaves.
fn serve(mut stream: TcpStream, config: &ServiceConfig) {
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let (mut head, mut length) = (Vec::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            head.push(line);
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let path = head[0].split(' ').nth(1).unwrap_or_default().to_owned();
        if let Ok(request) = serde_json::from_slice::<CheckoutRequest>(&body) {
            println!("order {}", request.order_id);
        }
        let answer = answer(&path, config);
        let text = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{answer}",
            answer.len()
        );
        if stream.write_all(text.as_bytes()).is_err() {
            return;
        }
    }
}

fn answer(path: &str, config: &ServiceConfig) -> String {
    match path {
        "/login" => r#"{"correlation_id":"c-1"}"#.to_owned(),
        "/die" => {
            eprintln!("a plate fell");
            exit(7)
        }
        "/eat" => {
            // touched, so that it is resident
            let plate = vec![1u8; 200 * 1024 * 1024];
            std::thread::sleep(Duration::from_secs(30));
            plate.len().to_string()
        }
        "/who" => format!(
            "{} {} {}",
            config.instance,
            config.version,
            config.settings.len()
        ),
        _ => "{}".to_owned(),
    }
}
