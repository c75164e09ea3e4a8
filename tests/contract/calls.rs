//! Calls between routines. PL/pgSQL looks a call up when it runs, and no earlier.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use tests::TestDb;

/// The numbers of arguments that each routine takes.
type Arities = HashMap<String, Vec<RangeInclusive<usize>>>;

/// A body without its comments and texts.
fn code(body: &str) -> String {
    let mut code = String::new();
    let mut in_text = false;
    for line in body.lines() {
        let mut chars = line.chars().peekable();
        while let Some(char) = chars.next() {
            match char {
                '\'' => in_text = !in_text,
                '-' if !in_text && chars.peek() == Some(&'-') => break,
                _ if in_text => {}
                _ => code.push(char),
            }
            // a text is one argument, also an empty one
            if char == '\'' && in_text {
                code.push('t');
            }
        }
        code.push('\n');
    }
    code
}

/// The number of arguments from behind an opening parenthesis on.
fn arguments(rest: &str) -> usize {
    let (mut depth, mut commas, mut is_empty) = (1, 0, true);
    for char in rest.chars() {
        match char {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ',' if depth == 1 => commas += 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        is_empty = is_empty && char.is_whitespace();
    }
    if is_empty { 0 } else { commas + 1 }
}

/// The calls of known routines in a body, that none of them takes.
fn wrong_calls(body: &str, arities: &Arities) -> Vec<String> {
    let code = code(body);
    let mut wrong = Vec::new();
    for (at, _) in code.match_indices('(') {
        let before = &code[..at];
        let name: String = before
            .chars()
            .rev()
            .take_while(|char| char.is_ascii_alphanumeric() || *char == '_')
            .collect();
        let name: String = name.chars().rev().collect();
        // a table of this name that is written
        let is_into = before[..at - name.len()].trim_end().ends_with("into");
        let Some(takes) = arities.get(&name).filter(|_| !is_into) else {
            continue;
        };
        let given = arguments(&code[at + 1..]);
        if !takes.iter().any(|takes| takes.contains(&given)) {
            wrong.push(format!("{name} with {given} arguments; it takes {takes:?}"));
        }
    }
    wrong
}

#[tokio::test]
async fn every_routine_calls_the_others_with_arguments_that_they_take() {
    let test = TestDb::new().await;
    let routines = "
        select p.proname::text, p.prosrc, p.pronargs::integer, p.pronargdefaults::integer
        from pg_proc p where p.pronamespace = 'holdfast'::regnamespace";
    let routines = test.owner.query(routines, &[]).await.unwrap();
    let mut arities = Arities::new();
    for row in &routines {
        let (most, optional): (i32, i32) = (row.get(2), row.get(3));
        let takes = usize::try_from(most - optional).unwrap()..=usize::try_from(most).unwrap();
        arities.entry(row.get(0)).or_default().push(takes);
    }
    assert!(arities.len() > 150, "{}", arities.len());
    let mut wrong = Vec::new();
    for row in &routines {
        let (name, body): (String, String) = (row.get(0), row.get(1));
        let calls = wrong_calls(&body, &arities).into_iter();
        wrong.extend(calls.map(|call| format!("{name}: {call}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_call_with_too_few_arguments_is_seen() {
    let arities = Arities::from([("refund_replace".to_owned(), vec![3..=3])]);
    let body = "-- refund_replace(x)\n v := refund_replace(f(a, b), ',', array[1, 2]);";
    assert_eq!(wrong_calls(body, &arities), Vec::<String>::new());
    let body = "v := refund_replace(v_refund, 'it''s');";
    assert_eq!(
        wrong_calls(body, &arities),
        ["refund_replace with 2 arguments; it takes [3..=3]"]
    );
}
