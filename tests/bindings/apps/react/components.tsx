import { Activity, Component, Suspense, use, useEffect, useState } from "react";
import { useEvent, useSession, useSessionState } from "throughline/react";
import { connect } from "throughline";
import { joinRoom } from "../../examples/chat";
import { Room } from "../../examples/Room";

/** Made in place: another function in each render, and a session of its own. */
export function InPlace({ room, told }) {
  const session = useSession(() => connect({ url: `/realtime?room=${room}` }), room);
  told.renders++;
  return <p>{session?.transport ?? "none"}</p>;
}

/** A room here or there: the same in another place. */
export const Moving = ({ there }) => (there ? <main><Room room="blue" /></main> : <aside><Room room="blue" /></aside>);

function Waiting({ until }) {
  const session = useSession(joinRoom, "blue");
  use(until);
  return <p>{useSessionState(session).state}</p>;
}

/** One that waits before it is ever shown. */
export const Suspended = ({ until }) => <Suspense fallback={<p>waiting</p>}><Waiting until={until} /></Suspense>;

function Greeting({ told }) {
  const session = useSession(joinRoom, "blue");
  useEffect(() => void (session && told.push(session.state)), [session]);
  return <p>{useSessionState(session).state}</p>;
}

/** One that is hidden and shown again, and keeps what it knows meanwhile. */
export const Hidden = ({ shown, told }) => <Activity mode={shown ? "visible" : "hidden"}><Greeting told={told} /></Activity>;

function Counts({ name, told, session, select }) {
  told[name]++;
  return <i>{JSON.stringify(useSessionState(session, select))}</i>;
}

const online = ({ state }) => state === "connected";
const both = ({ state, transport }) => ({ state, transport });

/** Readers of one status, each of its own part, which count how often they are rendered. */
export function Readers({ told }) {
  const session = useSession(joinRoom, "blue");
  return session && <>
    <Counts name="online" {...{ told, session, select: online }} />
    <Counts name="transport" {...{ told, session, select: ({ transport }) => transport }} />
    <Counts name="made" {...{ told, session, select: both }} />
    <Counts name="whole" {...{ told, session, select: undefined }} />
  </>;
}

/** Hears with a handler that is another one in each render. */
export function Counter({ told }) {
  const session = useSession(joinRoom, "blue");
  const [count, setCount] = useState(0);
  useEvent(session, "ECHO", () => {
    told.push(count);
    setCount(count + 1);
  });
  return <p>{count}</p>;
}

/** Hears what came before it was there. */
export function Late({ told, session }) {
  useEvent(session, "ECHO", (payload) => told.push(payload), { kept: true });
  return null;
}

class Boundary extends Component<{ children }> {
  state = { code: undefined };
  static getDerivedStateFromError = ({ code }) => ({ code });
  render = () => (this.state.code ? <p>{this.state.code}</p> : this.props.children);
}

function Wrong() {
  useSession(() => connect({ url: "/realtime", dialect: "morse" as any }));
  return <p>none</p>;
}

/** A session that cannot be made. */
export const Refused = () => <Boundary><Wrong /></Boundary>;

/** None yet: who shall have one is not known. */
export function Unknown({ user }) {
  const session = useSession((user) => user && joinRoom(user), user);
  return <p>{useSessionState(session).state}</p>;
}
