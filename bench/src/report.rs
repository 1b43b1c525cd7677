//! Medians of interleaved rounds, and the table people read.

/// Figures of one case, in nanoseconds a packet.
pub struct Measured {
    pub name: String,
    rounds: Vec<f64>,
}

impl Measured {
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            rounds: Vec::new(),
        }
    }

    pub fn add(&mut self, nanoseconds: f64) {
        self.rounds.push(nanoseconds);
    }

    /// 0 before the first round.
    pub fn median(&self) -> f64 {
        let mut sorted = self.rounds.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    }
}

/// A bar of the goals, and what was reached.
pub struct Goal {
    pub name: String,
    pub reached: f64,
    pub bar: f64,
    /// Whether less is better.
    pub at_most: bool,
    /// What the figures are in; `x` for ratios.
    pub unit: &'static str,
}

impl Goal {
    fn met(&self) -> bool {
        if self.at_most {
            self.reached <= self.bar
        } else {
            self.reached >= self.bar
        }
    }
}

/// Every case as nanoseconds and as a ratio to the first one.
pub fn print_table(title: &str, cases: &[Measured]) {
    println!("\n{title}");
    println!("{:<44} {:>10} {:>10}", "case", "ns/packet", "vs null");
    let null = cases.first().map_or(0.0, Measured::median);
    for case in cases {
        println!(
            "{:<44} {:>10.1} {:>9.2}x",
            case.name,
            case.median(),
            case.median() / null
        );
    }
}

/// Every goal. A missed one is no failure of the run: figures of a busy machine are rough.
pub fn print_goals(goals: &[Goal]) {
    println!("\n{:<64} {:>8} {:>8}", "goal", "reached", "bar");
    for goal in goals {
        let (sign, verdict) = (
            if goal.at_most { "<=" } else { ">=" },
            if goal.met() { "met" } else { "MISSED" },
        );
        println!(
            "{:<64} {:>7.2}{unit} {sign} {:>4.2}{unit}  {verdict}",
            goal.name,
            goal.reached,
            goal.bar,
            unit = goal.unit
        );
    }
}
