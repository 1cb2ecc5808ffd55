import jakarta.websocket.EndpointConfig;
import jakarta.websocket.HandshakeResponse;
import jakarta.websocket.OnMessage;
import jakarta.websocket.Session;
import jakarta.websocket.server.HandshakeRequest;
import jakarta.websocket.server.ServerEndpoint;
import jakarta.websocket.server.ServerEndpointConfig;

/** Says what it is told, and by whom. */
@ServerEndpoint(value = "/desk/echo", configurator = Echo.Who.class)
public class Echo {
    public static class Who extends ServerEndpointConfig.Configurator {
        @Override
        public void modifyHandshake(ServerEndpointConfig config, HandshakeRequest request, HandshakeResponse answer) {
            config.getUserProperties().put("who", String.join(",", request.getHeaders().get("Remote-User")));
        }
    }

    @OnMessage
    public String heard(String text, Session session) {
        return session.getUserProperties().get("who") + ": " + text;
    }
}
