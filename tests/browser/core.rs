//! The facade's numbers: whatever it is told, it answers and never traps.

use throughline::session::Core;
use wasm_bindgen_test::wasm_bindgen_test;

const CONNECT: u8 = 0;
const CLOSE: u8 = 1;
const TIMEOUT: u8 = 4;
const OPENED: u8 = 9;
const READY_FRAME: u8 = 19;

/// What the page is asked for: see `pkg/js/core.js`.
const OPEN: f64 = 0.0;
const ALARM: f64 = 8.0;

const WEBSOCKET: u32 = 0;

fn core(transports: &[u32]) -> Core {
    let mut words = vec![1, 2, 3, 4, 0, 0, 0, 100, 1 << 20, 0, u32::MAX, 0];
    words.push(transports.len() as u32);
    words.extend(transports);
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    Core::new(&bytes)
}

fn tell(core: &mut Core, now: f64, kind: u8, a: u32, rest: [f64; 4]) -> Vec<f64> {
    let [b, c, d, e] = rest;
    let count = core.tell(now, kind, a, b, c, d, e);
    (0..count).map(|_| core.take()).collect()
}

#[wasm_bindgen_test]
fn a_connect_opens_the_first_transport_and_sets_the_alarm_for_the_next() {
    let mut core = core(&[WEBSOCKET, 1]);
    let asked = tell(&mut core, 0.0, CONNECT, 0, [0.0; 4]);
    assert!(
        asked.windows(3).any(|three| three == [OPEN, 1.0, 0.0]),
        "{asked:?}"
    );
    assert!(
        asked.windows(2).any(|pair| pair == [ALARM, 250.0]),
        "{asked:?}"
    );
}

#[wasm_bindgen_test]
fn a_number_is_accepted_once_and_only_from_the_link() {
    let mut core = core(&[WEBSOCKET]);
    tell(&mut core, 0.0, CONNECT, 0, [0.0; 4]);
    tell(&mut core, 1.0, OPENED, 1, [0.0; 4]);
    tell(
        &mut core,
        2.0,
        READY_FRAME,
        1,
        [0.0, 0.0, 15_000.0, 120_000.0],
    );
    assert_eq!(core.accept(1, 1.0) & 1, 1);
    assert_eq!(core.accept(1, 1.0) & 1, 0, "a double");
    assert_eq!(core.accept(2, 2.0) & 1, 0, "another attempt");
    assert_eq!(core.accept(1, 2.0) & 1, 1);
}

#[wasm_bindgen_test]
fn no_numbers_make_it_trap() {
    let odd = [
        f64::NAN,
        -1.0,
        0.0,
        1.0,
        4400.0,
        1e300,
        f64::INFINITY,
        9_007_199_254_740_992.0,
    ];
    for seed in 0..odd.len() {
        let mut core = core(&[0, 1, 2]);
        let mut now = 0.0;
        for step in 0..4_000_usize {
            let pick = |salt: usize| odd[(step * 7 + seed * 13 + salt * step / 3) % odd.len()];
            let kind = ((step * 31 + seed) % 20) as u8;
            let kind = if kind == CLOSE && step < 3_000 {
                TIMEOUT
            } else {
                kind
            };
            now += (step % 900) as f64;
            tell(
                &mut core,
                now,
                kind,
                (step % 9) as u32,
                [pick(1), pick(2), pick(3), pick(4)],
            );
            core.accept((step % 9) as u32, pick(5));
            core.heard((step % 9) as u32, (step % 7) << 16);
            core.delivered(pick(6));
        }
    }
}

#[wasm_bindgen_test]
fn options_cut_short_are_filled_with_defaults() {
    let mut core = Core::new(&[1, 2, 3]);
    let asked = tell(&mut core, 0.0, CONNECT, 0, [0.0; 4]);
    assert!(
        asked.windows(2).any(|pair| pair == [OPEN, 1.0]),
        "{asked:?}"
    );
}
