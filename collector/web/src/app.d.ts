// The pages use SvelteKit's own types as they are.
declare global {
	namespace App {}
}

export {};
