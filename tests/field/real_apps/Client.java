import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;

/** Java's own client as it is: it offers h2c with its first request. Run: java Client.java ADDRESS HOST COOKIES */
public class Client {
    public static void main(String[] words) throws Exception {
        HttpClient client = HttpClient.newHttpClient();
        for (boolean waits : new boolean[] {false, true}) {
            var asked = HttpRequest.newBuilder(URI.create(words[0] + "/tools/count")).header("Host", words[1]).header("Cookie", words[2]);
            asked.POST(BodyPublishers.ofByteArray(new byte[200_000])).expectContinue(waits);
            var answer = client.send(asked.build(), BodyHandlers.ofString());
            System.out.println(answer.version() + " " + answer.statusCode() + " " + answer.body());
        }
    }
}
