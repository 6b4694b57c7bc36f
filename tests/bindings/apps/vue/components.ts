import { KeepAlive, Suspense, computed, defineComponent, effectScope, h, reactive, ref } from "vue";
import { useEvent, useSession, useSessionState } from "throughline/vue";
import { connect } from "throughline";
import { joinRoom } from "../../examples/chat";
import Room from "../../examples/Room.vue";

/** A session of a scope of the app's own, beside any component. */
export function scoped(told) {
  const scope = effectScope();
  const room = ref("blue");
  const seen = scope.run(() => {
    const session = useSession(joinRoom, room);
    useEvent(session, "ECHO", (payload) => told.push(payload));
    return { session, ...useSessionState(session) };
  });
  return { ...seen, room, stop: () => scope.stop() };
}

/** A session of a scope within a component, which may end before that does. */
export const Inner = defineComponent({
  props: ["told"],
  setup({ told }) {
    const scope = effectScope();
    told.stop = () => scope.stop();
    const { state } = scope.run(() => useSessionState(useSession(joinRoom, "blue")));
    return () => h("p", state.value);
  },
});

/** A session that has nothing to go over, and what is known of it once somebody asks. */
export function failing() {
  const scope = effectScope();
  const session = scope.run(() => useSession(() => connect({ url: "/realtime", endpoints: { websocket: null } })));
  return { session, ask: () => scope.run(() => useSessionState(session)), stop: () => scope.stop() };
}

/** A session among what is deeply reactive, as in a store. */
export const kept = (session) => reactive({ session }).session;

const Waiting = defineComponent({
  async setup(_, { attrs }) {
    const session = useSession(joinRoom, "blue");
    const { state } = useSessionState(session);
    await attrs.until;
    return () => h("p", state.value);
  },
});

/** One that waits before it is ever shown. */
export const Suspended = ({ until }) => h(Suspense, null, { default: () => h(Waiting, { until }), fallback: () => h("p", "waiting") });

/** A room that is put away and comes back. */
export const Alive = ({ shown }) => h(KeepAlive, null, [shown ? h(Room, { room: "blue" }) : h("p", "away")]);

/** Counts how often it is rendered; it shows whether a session is connected, and nothing else. */
export const Counts = defineComponent({
  props: ["told"],
  setup({ told }) {
    const { state } = useSessionState(useSession(joinRoom, "blue"));
    const online = computed(() => state.value === "connected");
    return () => {
      told.push(online.value);
      return h("p", String(online.value));
    };
  },
});
