//! A real browser (Chromium), driven by its own protocol.

use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use chromiumoxide::cdp::browser_protocol::emulation::{
    MediaFeature, SetDeviceMetricsOverrideParams,
};
use chromiumoxide::cdp::browser_protocol::input::InsertTextParams;
use chromiumoxide::cdp::browser_protocol::network::{
    EmulateNetworkConditionsByRuleParams, NetworkConditions,
};
use chromiumoxide::layout::Point;
use chromiumoxide::page::ScreenshotParams;
use chromiumoxide::{Browser, BrowserConfig, Page};
use futures_util::StreamExt as _;
use local::sign_in::PEOPLE;
use local::{Stack, StackOptions};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::stack::{root, start};
use crate::until_within;

/// A stack with a console. Tests use skus of their own, or change nothing.
pub static CONSOLE: LazyLock<Stack> = LazyLock::new(|| {
    start(StackOptions {
        console_port: Some(0),
        sweep_every: None,
        ..StackOptions::default()
    })
});

/// The longest wait for an answer of the browser. On two busy processors a page of a new browser
/// takes its time.
const ANSWER_MAX: Duration = Duration::from_secs(60);
/// The longest wait for something on a page: more than two answers.
const WAIT_MAX: Duration = Duration::from_secs(150);

/// What these tests need on the machine.
const BROWSER_MISSING: &str = "no browser: install Chromium (on Debian: apt install chromium), or \
    run tools/browser, or name a browser's program in HOLDFAST_BROWSER";
const AXE_MISSING: &str = "axe-core is missing: run tools/browser";

/// Nothing leaves this machine, and nothing is asked of a person.
const FLAGS: [&str; 9] = [
    "disable-gpu",
    "disable-quic",
    "no-first-run",
    "disable-background-networking",
    "disable-component-update",
    "disable-sync",
    "disable-dev-shm-usage",
    "lang=en",
    "host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

/// The browser's program.
fn program() -> PathBuf {
    if let Some(named) = std::env::var_os("HOLDFAST_BROWSER") {
        return named.into();
    }
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed = std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|program| program.is_file());
    let fetched = root().join(".tools/browser/chromium");
    installed
        .or_else(|| fetched.is_file().then_some(fetched))
        .unwrap_or_else(|| panic!("{BROWSER_MISSING}"))
}

/// One browser with a profile of its own: one person's.
pub struct Person {
    pub page: Page,
    /// `http://127.0.0.1:<port>`: the console.
    pub console: String,
    browser: Browser,
    events: JoinHandle<()>,
    _profile: TempDir,
}

impl Person {
    /// A browser that has opened nothing yet.
    pub async fn nobody() -> Self {
        let console = CONSOLE.console_url.clone().unwrap();
        let profile = tempfile::tempdir().unwrap();
        let config = BrowserConfig::builder()
            .chrome_executable(program())
            .new_headless_mode()
            .no_sandbox()
            .args(FLAGS)
            .user_data_dir(profile.path())
            .viewport(None)
            .launch_timeout(ANSWER_MAX)
            .request_timeout(ANSWER_MAX)
            .build()
            .unwrap();
        let (browser, mut handler) = Browser::launch(config).await.unwrap();
        let events = tokio::spawn(async move { while handler.next().await.is_some() {} });
        let page = browser.new_page("about:blank").await.unwrap();
        let person = Self {
            page,
            console,
            browser,
            events,
            _profile: profile,
        };
        person.size(1200, 900).await;
        person
    }

    /// One of the demo's people, signed in at the first page of a shop.
    pub async fn signed_in(sub: &str) -> Self {
        assert!(PEOPLE.iter().any(|person| person.sub == sub), "{sub}");
        let person = Self::signed_in_anywhere(sub).await;
        person.until_there(".menu.person").await;
        person
    }

    /// As [`Self::signed_in`], also if no page opens to the person.
    pub async fn signed_in_anywhere(sub: &str) -> Self {
        let person = Self::nobody().await;
        person.sign_in(sub).await;
        person
    }

    /// Signs in at the provider.
    async fn sign_in(&self, sub: &str) {
        self.go("/console").await;
        let button = format!("button[value=\"{sub}\"]");
        self.to_page(self.click(&button)).await;
        self.until("location.pathname.startsWith('/console')").await;
        self.until_there("main h1").await;
    }

    /// Forgets every cookie.
    pub async fn forget(&self) {
        self.browser.clear_cookies().await.unwrap();
    }

    /// The status of a page.
    pub async fn status(&self, path: &str) -> u16 {
        self.see(&format!("fetch({path:?}).then((answer) => answer.status)"))
            .await
    }

    /// Opens a path of the console.
    pub async fn go(&self, path: &str) {
        let url = format!("{}{path}", self.console);
        self.page.goto(url).await.unwrap();
    }

    /// The value of a JavaScript expression.
    pub async fn see<T: DeserializeOwned>(&self, expression: &str) -> T {
        let seen = self.page.evaluate(expression).await;
        seen.unwrap_or_else(|error| panic!("{expression}: {error}"))
            .into_value()
            .unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    /// Waits until the page has loaded and a JavaScript expression is true.
    pub async fn until(&self, expression: &str) {
        let whole = format!("document.readyState === 'complete' && ({expression})");
        let check = async || {
            // While one page leaves and the next one comes, there is nothing to ask.
            let seen = self.page.evaluate(&*whole).await;
            seen.is_ok_and(|seen| seen.into_value().unwrap_or(false))
        };
        until_within(WAIT_MAX, expression, check).await;
    }

    /// Does what opens another page (or the same one anew), and waits until that page has loaded.
    /// A wait for something that the page before shows, too, would end at once.
    pub async fn to_page(&self, action: impl Future<Output = ()>) {
        self.see::<bool>("window.isBefore = true").await;
        action.await;
        self.until("!window.isBefore").await;
    }

    pub async fn until_there(&self, selector: &str) {
        self.until(&format!("!!document.querySelector({selector:?})"))
            .await;
    }

    /// Waits until the page shows a text. The marks that isolate values inside a sentence do not
    /// count.
    pub async fn until_text(&self, text: &str) {
        let shown = r"document.body.innerText.replace(/[\u2068\u2069]/g, '')";
        self.until(&format!("{shown}.includes({text:?})")).await;
    }

    pub async fn click(&self, selector: &str) {
        self.until_there(selector).await;
        let began = Instant::now();
        let place = loop {
            if let Some(place) = self.place(selector).await {
                break place;
            }
            assert!(began.elapsed() < WAIT_MAX, "{selector} has no place");
        };
        self.page.click(place).await.unwrap();
    }

    /// Where an element is. None if a live part is replacing it.
    async fn place(&self, selector: &str) -> Option<Point> {
        let found = self.page.find_element(selector).await.ok()?;
        let shown = found.scroll_into_view().await.ok()?;
        shown.clickable_point().await.ok()
    }

    /// Clicks what a JavaScript expression finds.
    pub async fn click_on(&self, expression: &str) {
        let clicked: bool = self.see(&format!("({expression}.click(), true)")).await;
        assert!(clicked);
    }

    /// Types into the field, in place of what it has.
    pub async fn fill(&self, selector: &str, text: &str) {
        self.until_there(selector).await;
        let clear = format!("document.querySelector({selector:?}).select()");
        self.page.evaluate(clear).await.unwrap();
        let field = self.page.find_element(selector).await.unwrap();
        field.focus().await.unwrap();
        // As a paste: a keyboard has no key for every character.
        let paste = InsertTextParams::new(text);
        self.page.execute(paste).await.unwrap();
    }

    /// Chooses a file, as a person does in the browser's dialogue.
    pub async fn choose_file(&self, selector: &str, name: &str, text: &str) {
        let chosen: bool = self
            .see(&format!(
                "(() => {{
                    const files = new DataTransfer();
                    files.items.add(new File([{text:?}], {name:?}));
                    document.querySelector({selector:?}).files = files.files;
                    return true;
                }})()"
            ))
            .await;
        assert!(chosen);
    }

    /// Takes the network away, or gives it back.
    pub async fn offline(&self, is_offline: bool) {
        let anywhere = NetworkConditions::builder()
            .url_pattern("")
            .latency(0)
            .download_throughput(-1)
            .upload_throughput(-1)
            .build()
            .unwrap();
        let rule = EmulateNetworkConditionsByRuleParams::builder()
            .offline(is_offline)
            .matched_network_condition(anywhere)
            .build()
            .unwrap();
        self.page.execute(rule).await.unwrap();
    }

    /// Types with the keyboard alone, wherever the focus is.
    pub async fn type_text(&self, text: &str) {
        let body = self.page.find_element("body").await.unwrap();
        body.type_str(text).await.unwrap();
    }

    /// Presses keys, wherever the focus is.
    pub async fn press(&self, keys: &[&str]) {
        let body = self.page.find_element("body").await.unwrap();
        for key in keys {
            body.press_key(*key).await.unwrap();
        }
    }

    /// Sends a form from the page, as a script would. Returns the status and the text.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let fields = serde_json::to_string(fields).unwrap();
        self.see(&format!(
            "fetch({path:?}, {{method: 'POST', body: new URLSearchParams({fields})}})
                .then(async (answer) => [answer.status, await answer.text()])"
        ))
        .await
    }

    /// The CSRF token of the page.
    pub async fn csrf(&self) -> String {
        self.see("document.querySelector('[name=csrf]').value")
            .await
    }

    pub async fn size(&self, width: i64, height: i64) {
        let metrics = SetDeviceMetricsOverrideParams::new(width, height, 1.0, false);
        self.page.execute(metrics).await.unwrap();
    }

    pub async fn dark(&self, is_dark: bool) {
        let value = if is_dark { "dark" } else { "light" };
        let feature = MediaFeature::new("prefers-color-scheme", value);
        self.page
            .emulate_media_features(vec![feature])
            .await
            .unwrap();
    }

    /// Keeps a picture of the page in `target/console`.
    pub async fn picture(&self, name: &str) {
        let folder = root().join("target/console");
        std::fs::create_dir_all(&folder).unwrap();
        let whole = ScreenshotParams::builder().full_page(true).build();
        let png = self.page.screenshot(whole).await.unwrap();
        std::fs::write(folder.join(format!("{name}.png")), png).unwrap();
    }

    /// Checks the page that is open: WCAG 2.2 AA by axe, in light and dark; at 360 pixels nothing
    /// is wider than the screen. Keeps pictures.
    pub async fn check_page(&self, name: &str) {
        for (scheme, is_dark) in [("light", false), ("dark", true)] {
            self.dark(is_dark).await;
            self.check_by_axe(&format!("{name}, {scheme}")).await;
            self.picture(&format!("{name}-{scheme}")).await;
        }
        self.dark(false).await;
        self.size(360, 740).await;
        let width: i64 = self.see("document.documentElement.scrollWidth").await;
        assert!(width <= 360, "{name} is {width} pixels wide");
        self.check_by_axe(&format!("{name}, 360 pixels")).await;
        self.picture(&format!("{name}-360")).await;
        self.size(1200, 900).await;
    }

    /// Checks the page as it is: WCAG 2.2 AA by axe.
    pub async fn check_by_axe(&self, name: &str) {
        let axe = root().join(".tools/browser/axe.min.js");
        let axe = std::fs::read_to_string(axe).unwrap_or_else(|_| panic!("{AXE_MISSING}"));
        self.page.evaluate(axe).await.unwrap();
        let tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
        let tags = serde_json::to_string(&tags).unwrap();
        let wrong: Value = self
            .see(&format!(
                "axe.run(document, {{runOnly: {{type: 'tag', values: {tags}}}}}).then(
                    (found) => found.violations.map((one) => [one.id, one.help,
                        one.nodes.map((node) => [node.html, node.failureSummary])]))"
            ))
            .await;
        assert_eq!(wrong, serde_json::json!([]), "{name}");
    }

    /// Closes the browser.
    pub async fn leave(mut self) {
        drop(self.browser.close().await);
        drop(self.browser.wait().await);
        self.events.abort();
    }
}
