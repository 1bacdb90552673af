import { days } from './schema.js';

export interface LocalTime {
  day: (typeof days)[number];
  /** `07:30` */
  time: string;
}

/** @param timeZone an IANA name: `Europe/Berlin` */
export function localTime(moment: Date, timeZone: string): LocalTime {
  const parts = new Map(
    new Intl.DateTimeFormat('en-GB', {
      timeZone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    })
      .formatToParts(moment)
      .map(({ type, value }) => [type, value]),
  );
  const weekday = parts.get('weekday')?.toLowerCase();
  return {
    day: days.find((day) => day === weekday) ?? 'sun',
    time: `${parts.get('hour')}:${parts.get('minute')}`,
  };
}

/** @param between `22:00-06:00`: includes the first time, excludes the second; past midnight where the first is later */
export function isBetween(time: string, between: string): boolean {
  const [from = '', to = ''] = between.split('-');
  return from <= to ? time >= from && time < to : time >= from || time < to;
}
