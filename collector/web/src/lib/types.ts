// Names for the shapes that types.gen.ts has from the collector's own description of its API.
import type { components } from './types.gen';

type Schemas = components['schemas'];

export type Agency = Schemas['Agency'];
export type Alert = Schemas['Alert'];
export type Asset = Schemas['Asset'];
export type AssetDetail = Schemas['AssetDetail'];
export type Component = Schemas['Component'];
export type Named = Schemas['Named'];
export type PartChange = Schemas['PartChange'];
export type Rung = Schemas['Rung'];
export type Samples = Schemas['History'];
export type Series = Schemas['HistorySeries'];
export type Session = Schemas['Session'];
export type Severity = Schemas['Severity'];
export type Site = Schemas['Site'];
export type Summary = Schemas['Summary'];
export type Text = Schemas['Text'];
export type User = Schemas['SessionUser'];
export type Value = Schemas['CurrentValue'];
export type WorkOrder = Schemas['WorkOrder'];
export type WorkOrderChange = Schemas['WorkOrderChange'];

/** One page of a collection. */
export interface Page<T> {
	items: T[];
	next: string | null;
}
