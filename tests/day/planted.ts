/** The nine important things of the day, and the words in which each must reach the owner. */

export interface Planted {
  readonly at: string;
  readonly what: string;
  /** Stands in a message that reached the owner on that day. */
  readonly told: RegExp;
}

export const planted: readonly Planted[] = [
  {
    at: "02:40",
    what: "The backup storage is down for four hours of the night",
    told: /Over after 4h.*: nas is down/,
  },
  {
    at: "05:50",
    what: "Card payments are failing, by mail from a machine",
    told: /Incident: card payments are failing/,
  },
  {
    at: "06:15",
    what: "Claire wants the signed contract by noon",
    told: /Contract for the spring order[^]*answer by noon/,
  },
  {
    at: "06:30",
    what: "An invitation for today waits for an answer",
    told: /Invitation: Numbers of October.*needs your answer/,
  },
  {
    at: "07:40",
    what: "The domain expires tomorrow, said in bulk mail",
    told: /northlight\[\.\]example expires tomorrow/,
  },
  { at: "11:20", what: "The shop is down", told: /shop is down: HTTP 503/ },
  {
    at: "12:48",
    what: "A customer cancels unless answered by 15:00",
    told: /Our 40 lamps[^]*answer by 15:00/,
  },
  {
    at: "12:55",
    what: "The meeting of the invitation moves onto another",
    told: /Moved: Numbers of October[^]*Overlapping: Design review and Numbers of October/,
  },
  {
    at: "15:40",
    what: "The router is dead, and four services behind it",
    told: /router is down/,
  },
];
