export type Log = (level: string, event: string, fields: Readonly<Record<string, unknown>>) => void;
