//! A person at the console: the console function in the test's own process, on the test's own
//! database, with its own role. The session is a cookie that the test seals with the function's
//! key.

use axum::Router;
use bench::visitor::{TOKEN, answer, console, session};
use local::roles::CONSOLE;

use crate::http::Call;
use crate::{MAIN, TestDb};

/// A page as a browser gets it.
#[derive(Debug)]
pub struct Shown {
    pub status: u16,
    /// Where it sends the browser.
    pub location: Option<String>,
    pub etag: Option<String>,
    /// The cookies that it sets.
    pub cookies: Vec<String>,
    pub text: String,
}

impl Shown {
    /// Asserts the status and that the page contains a text.
    #[track_caller]
    pub fn has(&self, status: u16, text: &str) -> &Self {
        assert_eq!(self.status, status, "{}", self.text);
        assert!(self.text.contains(text), "no {text:?} in {}", self.text);
        self
    }

    /// Asserts that the browser is sent to another page of the shop; returns its path.
    #[track_caller]
    pub fn leads_to(&self, rest: &str) -> &str {
        assert_eq!(self.status, 303, "{}", self.text);
        let location = self.location.as_deref().unwrap_or_default();
        assert!(location.contains(rest), "{location}");
        location.split_once(MAIN).unwrap().1
    }

    /// The value of the first hidden field of this name.
    #[track_caller]
    pub fn field(&self, name: &str) -> &str {
        let begin = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.text.split_once(&begin).unwrap();
        rest.split('"').next().unwrap()
    }
}

/// A person of the shop `main`.
pub struct Person {
    /// One process of the console.
    router: Router,
    /// The cookies that the browser sends.
    cookies: String,
}

impl TestDb {
    /// A person with these roles.
    pub fn person(&self, roles: &[&str]) -> Person {
        self.person_of(roles, &[MAIN])
    }

    /// A person with these roles in these shops.
    pub fn person_of(&self, roles: &[&str], shops: &[&str]) -> Person {
        Person {
            router: console(self.pool_of(CONSOLE, 4)).unwrap(),
            cookies: session(roles, shops),
        }
    }
}

impl Person {
    /// The same person, whose browser sends these cookies.
    #[must_use]
    pub fn with_cookies(mut self, cookies: &str) -> Self {
        cookies.clone_into(&mut self.cookies);
        self
    }

    /// The same person, whose browser sends one more cookie.
    #[must_use]
    pub fn and_cookie(mut self, cookie: &str) -> Self {
        self.cookies += &format!("; {cookie}");
        self
    }

    /// GET below `/console/main`.
    pub async fn get(&self, rest: &str) -> Shown {
        self.send(Call::new("GET", &format!("/console/{MAIN}{rest}")))
            .await
    }

    /// Sends a form, with the session's token.
    pub async fn post(&self, rest: &str, fields: &[(&str, &str)]) -> Shown {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("csrf", TOKEN).extend_pairs(fields);
        let call = Call::new("POST", &format!("/console/{MAIN}{rest}"))
            .body(form.finish())
            .header("content-type", "application/x-www-form-urlencoded");
        self.send(call).await
    }

    /// Sends a form with a file.
    pub async fn upload(&self, rest: &str, fields: &[(&str, &str)], file: &str) -> Shown {
        let mut body = String::new();
        for (name, value) in [("csrf", TOKEN)].iter().chain(fields) {
            body += &format!(
                "--cut\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
        }
        body += &format!(
            "--cut\r\ncontent-disposition: form-data; name=\"file\"; filename=\"stock.csv\"\r\n\
             content-type: text/csv\r\n\r\n{file}\r\n--cut--\r\n"
        );
        let call = Call::new("POST", &format!("/console/{MAIN}{rest}"))
            .body(body)
            .header("content-type", "multipart/form-data; boundary=cut");
        self.send(call).await
    }

    /// Any call, with the session.
    pub async fn send(&self, call: Call) -> Shown {
        let call = call
            .header("cookie", &self.cookies)
            .header("host", "127.0.0.1:1");
        let request = lambda_http::request::from_str(&call.event().to_string()).unwrap();
        let answer = answer(&self.router, request).await;
        let cookies = answer.headers().get_all("set-cookie").iter();
        let header = |name: &str| {
            let value = answer.headers().get(name)?;
            Some(value.to_str().unwrap().to_owned())
        };
        Shown {
            status: answer.status().as_u16(),
            location: header("location"),
            etag: header("etag"),
            cookies: cookies
                .map(|set| set.to_str().unwrap().to_owned())
                .collect(),
            text: String::from_utf8(answer.body().to_vec()).unwrap(),
        }
    }
}
