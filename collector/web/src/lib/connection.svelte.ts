// Whether the collector answers, and what its clock says: ages are reckoned by the collector's clock, because the
// reader's own may be years off.

const TICK_MS = 5_000;

class Connection {
	/** When the first of the unanswered requests failed; null while answers come. */
	lostAt = $state<number | null>(null);
	/** The collector's time now, renewed every few seconds so that ages on the page move. */
	nowMs = $state(Date.now());
	#offsetMs = 0;

	/** The collector's time at this instant, for a question to it; reading it watches nothing. */
	get exactMs(): number {
		return Date.now() + this.#offsetMs;
	}

	constructor() {
		setInterval(() => this.#tick(), TICK_MS);
	}

	/** An answer came; `date` is its Date header, exact to a second. */
	heard(date: string | null): void {
		this.lostAt = null;
		const said = date === null ? NaN : Date.parse(date);
		if (Number.isNaN(said)) return;
		const offset = said - Date.now();
		// Within two seconds the difference is the header's own coarseness and the way it came.
		this.#offsetMs = Math.abs(offset) < 2_000 ? 0 : offset;
		this.#tick();
	}

	/** No answer came. */
	lost(): void {
		this.lostAt ??= Date.now();
	}

	#tick(): void {
		this.nowMs = this.exactMs;
	}
}

/** The one connection of this page. */
export const connection = new Connection();
